import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Tenant } from '../tenant';
import { keptFile } from './kept-file';
import { signingAlgorithm } from './keys';

/** What a client's own tokens say about it. */
interface ClientIdentity {
  roles: readonly string[];
  tenant?: Tenant;
}

/** A client with a secret, or with a key that signs its assertions (`private_key_jwt`). */
export interface IssuerClient {
  id: string;
  identity: ClientIdentity;
  secret?: string;
  publicKey?: JWK;
  /** The scopes that it may ask for. */
  scopes?: readonly string[];
}

const readAndWrite = ['transactions:read', 'transactions:write'];

/** The partners of the demo; the same ones have API keys. */
const partners = {
  'partner-north': { identity: { roles: ['partner'], tenant: 'north' }, scopes: readAndWrite, by: 'secret' },
  'partner-south': { identity: { roles: ['partner'], tenant: 'south' }, scopes: readAndWrite, by: 'key' },
  'internal-reporting': { identity: { roles: ['reporting'] }, scopes: ['transactions:read'], by: 'secret' },
} as const;

const credentialSchema = z.union([
  z.strictObject({ secret: z.string().min(32) }),
  z.strictObject({ privateKey: z.looseObject({ kty: z.literal('EC'), kid: z.string(), d: z.string() }) }),
]);
const fileSchema = z.record(z.string(), credentialSchema);

/** The partners with what they show, which is in `file`; made at the first start. */
export async function loadPartners(file: string): Promise<IssuerClient[]> {
  const credentials = await keptFile(file, fileSchema, makeCredentials);
  return Object.entries(partners).flatMap(([id, { identity, scopes }]): IssuerClient[] => {
    const credential = credentials[id];
    if (credential === undefined) return [];
    if ('secret' in credential) return [{ id, identity, scopes, secret: credential.secret }];
    const { d: _, ...publicKey } = credential.privateKey;
    return [{ id, identity, scopes, publicKey }];
  });
}

async function makeCredentials(): Promise<z.output<typeof fileSchema>> {
  const made = Object.entries(partners).map(async ([id, { by }]) => {
    if (by === 'secret') return [id, { secret: randomBytes(32).toString('base64url') }] as const;
    const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: signingAlgorithm, use: 'sig' };
    return [id, { privateKey: jwk }] as const;
  });
  return fileSchema.parse(Object.fromEntries(await Promise.all(made)));
}
