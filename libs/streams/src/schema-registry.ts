import { AppError } from '@tidegate/errors';
import { Counter, type Registry } from '@tidegate/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ReadAvro } from './avro-schema';
import { PayloadError } from './payload-format';

export interface SchemaRegistryOptions {
  url: string;
  /** Basic authentication. */
  username?: string | undefined;
  password?: string | undefined;
}

const requestTimeoutMs = 5_000;
/** After a failure nobody asks for so long, however many records want a schema. */
const restMs = 500;
const maxSchemas = 1_000;
const maxSchemaBytes = 1024 * 1024;
/** Somebody may restore what it has lost. */
const unknownForMs = 30_000;
const maxUnknown = 10_000;
/**
 * A replica of the registry may not have heard of a schema that is new, so an unknown id is asked for again: not every one, or
 * made-up ids would hold up good records.
 */
const secondLookMs = 500;
const betweenSecondLooksMs = 10_000;
/** "Schema not found", of every registry that speaks this protocol. A 404 without it comes from something in between. */
const schemaNotFound = 40403;

const answerSchema = z.object({ schema: z.string(), schemaType: z.string().optional() });
const refusalSchema = z.object({ error_code: z.number() });

/** Schemas of Avro by their ids, from a registry that speaks Confluent's protocol. A schema never changes, so each is asked for once. */
export class SchemaRegistry {
  private readonly schemas = new Map<number, ReadAvro>();
  private readonly unknown = new Map<number, { read: ReadAvro; untilMs: number }>();
  private readonly asking = new Map<number, Promise<ReadAvro>>();
  private lookedAgainMs = -Infinity;
  private failure: { error: AppError; untilMs: number } | undefined;
  private readonly requests: Counter<'outcome'>;
  private readonly headers: Record<string, string>;

  constructor(
    private readonly options: SchemaRegistryOptions,
    registry: Registry,
    private readonly now: () => number = Date.now,
  ) {
    const { username, password = '' } = options;
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    this.headers = {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      ...(username !== undefined && { authorization: `Basic ${credentials}` }),
    };
    this.requests = new Counter({
      name: 'tidegate_stream_schema_requests_total',
      help: 'Schemas asked for: found, unknown (to the registry, or no Avro), failed',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  /** What reads records of the schema, where that is at hand. Of an unknown schema it says so. */
  known(id: number): ReadAvro | undefined {
    const unknown = this.unknown.get(id);
    if (unknown !== undefined && unknown.untilMs > this.now()) return unknown.read;
    return this.schemas.get(id);
  }

  /** The same, asked for where it is not at hand. @throws AppError `unavailable`: ask again */
  async schema(id: number): Promise<ReadAvro> {
    const known = this.known(id) ?? this.asking.get(id);
    if (known !== undefined) return known;
    if (this.failure !== undefined && this.failure.untilMs > this.now()) throw this.failure.error;
    const asking = this.ask(id).finally(() => this.asking.delete(id));
    this.asking.set(id, asking);
    return asking;
  }

  private async ask(id: number): Promise<ReadAvro> {
    try {
      const found =
        (await this.fetchSchema(id)) ?? (await this.lookAgain(id)) ?? this.noSchema(id, 'is not known to the registry');
      this.failure = undefined;
      const read = typeof found === 'string' ? await this.compiled(id, found) : found;
      this.requests.inc({ outcome: this.schemas.has(id) ? 'found' : 'unknown' });
      return read;
    } catch (cause) {
      const reason = AppError.is(cause) ? cause.message : 'it does not answer';
      const error = new AppError('unavailable', `schema registry: ${reason}`, { cause, retryAfterMs: restMs });
      this.failure = { error, untilMs: this.now() + restMs };
      this.requests.inc({ outcome: 'failed' });
      throw error;
    }
  }

  private async lookAgain(id: number): Promise<string | ReadAvro | undefined> {
    if (this.now() - this.lookedAgainMs < betweenSecondLooksMs) return undefined;
    this.lookedAgainMs = this.now();
    await delay(secondLookMs, undefined, { ref: false });
    return this.fetchSchema(id);
  }

  /** Its text, or what says that it is of no use; undefined when the registry does not know it. */
  private async fetchSchema(id: number): Promise<string | ReadAvro | undefined> {
    const base = this.options.url.replace(/\/+$/, '');
    // Resolved: with what it refers to in it, where the registry can do that.
    const response = await fetch(`${base}/schemas/ids/${id}?format=resolved`, {
      headers: this.headers,
      redirect: 'error',
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const body: unknown = await readJson(response);
    if (response.status === 404 && refusalSchema.safeParse(body).data?.error_code === schemaNotFound) return undefined;
    if (!response.ok) throw new AppError('upstream_failed', `it answers ${response.status}`);
    const answer = answerSchema.safeParse(body).data;
    if (answer === undefined) throw new AppError('upstream_failed', 'its answer is none');
    if ((answer.schemaType ?? 'AVRO') !== 'AVRO') return this.noSchema(id, 'is of another format');
    if (answer.schema.length > maxSchemaBytes) return this.noSchema(id, 'is too large');
    return answer.schema;
  }

  private async compiled(id: number, schema: string): Promise<ReadAvro> {
    const { compileAvro } = await import('./avro-schema');
    try {
      const read = compileAvro(schema);
      this.schemas.set(id, read);
      // Records keep what reads them.
      for (const [oldest] of this.schemas) if (this.schemas.size > maxSchemas) this.schemas.delete(oldest);
      return read;
    } catch {
      return this.noSchema(id, 'cannot be used');
    }
  }

  private noSchema(id: number, what: string): ReadAvro {
    const read = () => {
      throw new PayloadError(`Avro: the schema ${id} ${what}`, 'unknown-schema');
    };
    this.unknown.delete(id);
    this.unknown.set(id, { read, untilMs: this.now() + unknownForMs });
    for (const [oldest] of this.unknown) if (this.unknown.size > maxUnknown) this.unknown.delete(oldest);
    return read;
  }
}

/** A body of no more than a schema, with some room. */
async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > 2 * maxSchemaBytes) throw new AppError('upstream_failed', 'its answer is too long');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    return undefined;
  }
}
