import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { keptFile } from './kept-file';

export const signingAlgorithm = 'ES256';

const keysSchema = z.object({
  signing: z.looseObject({ kty: z.literal('EC'), kid: z.string(), d: z.string() }),
  cookies: z.array(z.string()).min(1),
});

export interface IssuerKeys {
  /** The private key that signs access tokens. */
  signing: JWK & { kid: string };
  cookies: string[];
}

/** The keys in `file`; made at the first start, so that tokens outlive a restart. */
export async function loadKeys(file: string): Promise<IssuerKeys> {
  return keptFile(file, keysSchema, generateKeys);
}

async function generateKeys(): Promise<z.output<typeof keysSchema>> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  const signing = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: signingAlgorithm, use: 'sig' };
  return keysSchema.parse({ signing, cookies: [randomBytes(32).toString('base64url')] });
}
