import type { Catalog, Stream } from '@tidegate/catalog';
import { clientFrameSchema, contractSchemas, serverFrames, subprotocol } from '@tidegate/contracts';
import { z } from 'zod';
import type { StreamPath } from './options';
import { startQuerySchema } from './start-query';

type Json = Record<string, unknown>;

export interface AsyncApiOptions {
  streams: Catalog['streams'];
  paths: readonly StreamPath[];
  takesApiKeys: boolean;
}

const serverMessages = Object.keys(serverFrames) as (keyof typeof serverFrames)[];
const clientMessages = clientFrameSchema.options.map((schema) => schema.shape.t.value);
/** These say what their stream has; the others are the same for all. */
const ofStream = ['rows', 'gone'] as const;

const description = `Streams over WebSocket (subprotocol ${subprotocol}): each message below is a text frame. The same addresses give
Server-Sent Events to \`Accept: text/event-stream\` (events rows, gone, gap, caught-up, cursor, expiring, error and bye,
the cursor as id, the rows, keys or fields as data) and pages at \`…/records\`, which the OpenAPI document describes. Columns
that a caller may not see are left out of its rows or masked.`;

/** The AsyncAPI 3 document of the streams that there are, from the side of the server. */
export function asyncApiOf({ streams, paths, takesApiKeys }: AsyncApiOptions): Json {
  const named = [...streams.values()].map((stream) => channelOf(stream, `/streams/${stream.name}`));
  const bound = paths.flatMap(({ path, stream }) => {
    const known = streams.get(stream);
    return known === undefined ? [] : [channelOf(known, path)];
  });
  const channels = [manyChannel([...streams.values()]), ...named, ...bound];
  const security = ['bearer', 'ticket', ...(takesApiKeys ? ['apiKey'] : [])];
  return {
    asyncapi: '3.0.0',
    info: { title: 'Tidegate streams', version: '1', description },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channels.map(({ id, channel }) => [id, channel])),
    operations: Object.fromEntries(channels.flatMap((channel) => operationsOf(channel, security))),
    components: {
      messages: messagesOf([...streams.values()]),
      schemas: schemasOf([...streams.values()]),
      securitySchemes: Object.fromEntries(security.map((name) => [name, securitySchemes[name]])),
    },
  };
}

const securitySchemes: Record<string, Json> = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  ticket: {
    type: 'httpApiKey',
    in: 'header',
    name: 'Sec-WebSocket-Protocol',
    description: `For browsers: offer ${subprotocol} and ticket.<ticket>, a ticket of POST /stream-tickets, good once within 30 s.`,
  },
  apiKey: { type: 'httpApiKey', in: 'header', name: 'X-API-Key' },
};

interface Channel {
  id: string;
  channel: Json;
  sends: string[];
  receives: readonly string[];
}

function channelOf({ name, key }: Stream, address: string): Channel {
  const id = address.split('/').filter(Boolean).join('.');
  const about = { title: name, description: `The stream ${name}, followed from the query on.`, 'x-key': key };
  const messages = { ...refs(serverMessages), ...streamRefs(name) };
  return {
    id,
    channel: {
      address,
      ...about,
      messages: { ...messages, ...refs(clientMessages) },
      bindings: { ws: binding(startQuery) },
    },
    sends: Object.keys(messages),
    receives: clientMessages,
  };
}

function manyChannel(streams: readonly Stream[]): Channel {
  const others = serverMessages.filter((name) => !ofStream.some((one) => one === name));
  const rows = streams.map(({ name }) => Object.entries(streamRefs(name)).map(([t, ref]) => [`${name}.${t}`, ref]));
  const messages = { ...refs(others), ...(Object.fromEntries(rows.flat()) as Json) };
  const about = { title: 'any streams', description: 'Nothing at first; sub frames choose what to follow.' };
  return {
    id: 'streams',
    channel: {
      address: '/streams',
      ...about,
      messages: { ...messages, ...refs(clientMessages) },
      bindings: { ws: binding() },
    },
    sends: Object.keys(messages),
    receives: clientMessages,
  };
}

function operationsOf({ id, sends, receives }: Channel, security: readonly string[]): [string, Json][] {
  const channel = { $ref: `#/channels/${id}` };
  const of = (names: readonly string[]) => names.map((name) => ({ $ref: `#/channels/${id}/messages/${name}` }));
  const shown = security.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
  return [
    [`${id}.follow`, { action: 'send', channel, messages: of(sends), security: shown }],
    [`${id}.ask`, { action: 'receive', channel, messages: of(receives), security: shown }],
  ];
}

function messagesOf(streams: readonly Stream[]): Json {
  const message = (name: string, payload: Json) => [name, { name, contentType: 'application/json', payload }] as const;
  const common = serverMessages.map((t) => message(t, jsonSchema(serverFrames[t])));
  const asked = clientFrameSchema.options.map((schema) => message(schema.shape.t.value, jsonSchema(schema)));
  const own = streams.flatMap(({ name }) => ofStream.map((t) => message(`${name}.${t}`, frameOf(name, t))));
  return Object.fromEntries([...common, ...asked, ...own]);
}

function frameOf(stream: string, t: (typeof ofStream)[number]): Json {
  const { properties, ...frame } = jsonSchema(serverFrames[t]) as { properties: Json };
  const rows = { type: 'array', items: { $ref: `#/components/schemas/${stream}` } };
  return { ...frame, properties: { ...properties, s: { const: stream }, ...(t === 'rows' && { r: rows }) } };
}

/** Nothing is required of a row: what the caller may not see is not there. */
function schemasOf(streams: readonly Stream[]): Json {
  return Object.fromEntries(
    streams.map(({ name, schema }) => {
      const { required: _, additionalProperties: __, ...row } = jsonSchema(contractSchemas[schema]);
      return [name, row];
    }),
  );
}

const startQuery = jsonSchema(startQuerySchema);

function binding(query?: Json): Json {
  return { method: 'GET', ...(query !== undefined && { query }), bindingVersion: '0.1.0' };
}

function refs(names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function streamRefs(stream: string): Json {
  return Object.fromEntries(ofStream.map((t) => [t, { $ref: `#/components/messages/${stream}.${t}` }]));
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  return json;
}
