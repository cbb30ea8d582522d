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

/** A client certificate: `id` is its SHA-256, base64url. */
const certificateSchema = keySchema.omit({ hash: true }).extend({
  id: z.string().regex(/^[\w-]{43}$/, 'expected the SHA-256 of the certificate as base64url'),
});

const clientSchema = z.strictObject({
  tenant: name.optional(),
  roles: z.array(name).min(1),
  keys: z.array(keySchema).default([]),
  certificates: z.array(certificateSchema).default([]),
});

export const clientsSchema = z.strictObject({ clients: z.record(name, clientSchema) });

export type Clients = z.output<typeof clientsSchema>['clients'];

/** One more than the one in use, so that a client can change over without a pause. */
export const maxLiveKeys = 2;

/** A key or certificate as the file has it, with what its client is. */
export interface StoredKey {
  readonly client: string;
  readonly tenant: string | undefined;
  readonly roles: readonly string[];
  readonly id: string;
  /** Undefined for a certificate. */
  readonly hash: Buffer | undefined;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

/**
 * Clients with their keys and certificates. The text as a whole is good or not: one that is bad in parts says nothing
 * reliable.
 *
 * @throws Error that names the field, and never a hash
 */
export function parseApiKeysFile(text: string, nowMs: number): Clients {
  const parsed = clientsSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(parsed.error.issues.map(problemText).join('; '));
  const ids = new Set<string>();
  for (const [client, { keys, certificates }] of Object.entries(parsed.data.clients)) {
    for (const [kind, stored] of Object.entries({ keys, certificates })) {
      const live = stored.filter((one) => isLive(one, nowMs));
      if (live.length > maxLiveKeys) {
        throw new Error(`clients.${client}.${kind}: at most ${maxLiveKeys} live ${kind}; revoke one`);
      }
      for (const { id } of stored) {
        if (ids.has(id)) throw new Error(`clients.${client}.${kind}: the id ${id} is there twice`);
        ids.add(id);
      }
    }
  }
  return parsed.data.clients;
}

export function isLive(
  { expiresAt, revokedAt }: { expiresAt: string; revokedAt?: string | undefined },
  nowMs: number,
): boolean {
  return revokedAt === undefined && Date.parse(expiresAt) > nowMs;
}

/** What was not revoked, by id. */
export function storedKeys(clients: Clients): Map<string, StoredKey> {
  const found = new Map<string, StoredKey>();
  for (const [client, { tenant, roles, keys, certificates }] of Object.entries(clients)) {
    const all = [...keys, ...certificates.map((certificate) => ({ ...certificate, hash: undefined }))];
    for (const { id, hash, scopes, expiresAt, revokedAt } of all) {
      if (revokedAt !== undefined) continue;
      const bytes = hash === undefined ? undefined : Buffer.from(hash, 'base64url');
      found.set(id, { client, tenant, roles, id, hash: bytes, scopes, expiresAtMs: Date.parse(expiresAt) });
    }
  }
  return found;
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
