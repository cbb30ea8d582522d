import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

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
  return readKeys(file) ?? storeKeys(file, await generateKeys());
}

function readKeys(file: string): IssuerKeys | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return keysSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} holds no usable keys; remove it and new ones are made.`, { cause: error });
  }
}

async function generateKeys(): Promise<IssuerKeys> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  const signing = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: signingAlgorithm, use: 'sig' };
  return { signing, cookies: [randomBytes(32).toString('base64url')] };
}

function storeKeys(file: string, keys: IssuerKeys): IssuerKeys {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(keys), { mode: 0o600 });
  try {
    // A link fails where the file exists: of two instances that start together one wins, and both read its keys.
    linkSync(draft, file);
    return keys;
  } catch (error) {
    const winner = readKeys(file);
    if (winner === undefined) throw error;
    return winner;
  } finally {
    unlinkSync(draft);
  }
}
