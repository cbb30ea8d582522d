import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { clientsSchema, type Clients } from './api-keys-file';

const schema = clientsSchema.extend({
  /** Ids of keys of the file that were revoked while the apps run. */
  revoked: z.record(z.string().min(1), z.iso.datetime({ offset: true })),
});

export type SharedKeys = z.output<typeof schema>;

/**
 * What replicas share of keys, from a text with a MAC: whoever can write where it is kept does not thereby say who a client is.
 *
 * @throws Error for what no replica of ours has written
 */
export function parseSharedKeys(text: string | undefined, pepper: string): SharedKeys {
  if (text === undefined) return { clients: {}, revoked: {} };
  const [given = '', json = ''] = text.split('\n', 2);
  const bytes = Buffer.from(given, 'base64url');
  const own = macOf(json, pepper);
  if (bytes.length !== own.length || !timingSafeEqual(bytes, own)) throw new Error('none of ours wrote it');
  return schema.parse(JSON.parse(json));
}

export function sharedKeysText(keys: SharedKeys, pepper: string): string {
  const json = JSON.stringify(keys);
  return `${macOf(json, pepper).toString('base64url')}\n${json}`;
}

function macOf(json: string, pepper: string): Buffer {
  return createHmac('sha256', pepper).update('shared keys\n').update(json).digest();
}

/** The file with what is shared; who a client is, is for the file to say where it names the client. */
export function withShared(file: Clients, { clients, revoked }: SharedKeys): Clients {
  const merged = new Map(Object.entries(file));
  for (const [name, { keys, ...client }] of Object.entries(clients)) {
    const known = merged.get(name);
    merged.set(name, known === undefined ? { ...client, keys } : { ...known, keys: [...known.keys, ...keys] });
  }
  const without = <T extends { id: string }>(all: T[]) => all.filter(({ id }) => !Object.hasOwn(revoked, id));
  return Object.fromEntries(
    [...merged].map(([name, client]) => {
      const { keys, certificates } = client;
      return [name, { ...client, keys: without(keys), certificates: without(certificates) }];
    }),
  );
}
