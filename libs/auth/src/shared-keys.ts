import { z } from 'zod';
import { clientsSchema, type Clients } from './api-keys-file';

const schema = clientsSchema.extend({
  /** Ids of keys of the file that were revoked while the apps run. */
  revoked: z.record(z.string().min(1), z.iso.datetime({ offset: true })),
});

export type SharedKeys = z.output<typeof schema>;

/** @throws Error for what no replica of ours has written */
export function parseSharedKeys(text: string | undefined): SharedKeys {
  if (text === undefined) return { clients: {}, revoked: {} };
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('it is not what was expected');
  return parsed.data;
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
