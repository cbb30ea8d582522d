import { z } from 'zod';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens');

const keySchema = z.strictObject({
  id: z.string().regex(/^[0-9A-Za-z]{12}$/, 'expected the 12 characters behind tg_<env>_'),
  /** HMAC-SHA-256 of the key without its checksum, as base64url. */
  hash: z.string().regex(/^[\w-]{43}$/, 'expected 32 bytes as base64url'),
  /** `<resource>:<action>`: what of its client's access the key may use. */
  scopes: z.array(z.string().regex(/^[a-z][a-z0-9-]*:(?:read|write|manage)$/, 'expected <resource>:<action>')).min(1),
  expiresAt: z.iso.datetime({ offset: true }),
  revokedAt: z.iso.datetime({ offset: true }).optional(),
});

const clientSchema = z.strictObject({
  tenant: name.optional(),
  roles: z.array(name).min(1),
  keys: z.array(keySchema),
});

const fileSchema = z.strictObject({ clients: z.record(name, clientSchema) });

/** One more than the one in use, so that a client can change over without a pause. */
const maxLiveKeys = 2;

/** A key as the file has it, with what its client is. */
export interface StoredKey extends Omit<z.output<typeof keySchema>, 'hash' | 'expiresAt' | 'revokedAt'> {
  readonly client: string;
  readonly tenant: string | undefined;
  readonly roles: readonly string[];
  readonly hash: Buffer;
  readonly expiresAtMs: number;
}

/**
 * The keys that were not revoked, by id. The file as a whole is good or not: one that is bad in parts says nothing reliable.
 *
 * @throws Error that names the field, and never a hash
 */
export function parseApiKeysFile(text: string, nowMs: number): Map<string, StoredKey> {
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(parsed.error.issues.map(problemText).join('; '));
  const keys = new Map<string, StoredKey>();
  const ids = new Set<string>();
  for (const [client, { tenant, roles, keys: stored }] of Object.entries(parsed.data.clients)) {
    const valid = stored.filter(({ revokedAt }) => revokedAt === undefined);
    if (valid.filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs).length > maxLiveKeys) {
      throw new Error(`clients.${client}.keys: at most ${maxLiveKeys} live keys; revoke one`);
    }
    for (const { id } of stored) {
      if (ids.has(id)) throw new Error(`clients.${client}.keys: the id ${id} is there twice`);
      ids.add(id);
    }
    for (const { id, hash, scopes, expiresAt } of valid) {
      const expiresAtMs = Date.parse(expiresAt);
      keys.set(id, { client, tenant, roles, id, hash: Buffer.from(hash, 'base64url'), scopes, expiresAtMs });
    }
  }
  return keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message repeats what it stumbled over.
    throw new Error('it is not JSON');
  }
}

function problemText({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.') || 'the file'}: ${message}`;
}
