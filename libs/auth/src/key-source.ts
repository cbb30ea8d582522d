import type { JWK } from 'jose';
import { z } from 'zod';

/** Where keys come from: the issuer's discovery document, unless the URI of the key set is given. */
export interface KeySource {
  issuer: string;
  jwksUri: string | undefined;
}

/** Keys could not be had. `answered` is false when nobody was there to answer. */
export class KeySourceError extends Error {
  constructor(
    message: string,
    readonly answered: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KeySourceError';
  }
}

// Large key sets hold some dozens of keys of about 500 bytes each, with certificates some thousands.
const maxDocumentBytes = 512 * 1024;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });
const keySetSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });
// A symmetric key in a public set would let everybody sign.
export const publicKeySchema = z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']), d: z.undefined().optional() });

/** The usable public keys; others in the set are left out. @throws KeySourceError */
export async function fetchKeys(source: KeySource, timeoutMs: number): Promise<JWK[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const uri = source.jwksUri ?? (await discover(source.issuer, signal));
  const { keys } = parse(keySetSchema, await getJson(uri, signal), uri);
  return keys.filter((key) => publicKeySchema.safeParse(key).success && key['use'] !== 'enc');
}

async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const uri = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = parse(discoverySchema, await getJson(uri, signal), uri);
  if (found.issuer !== issuer) throw new KeySourceError(`${uri} speaks for another issuer than ${issuer}`, true);
  if (issuer.startsWith('https:') && !found.jwks_uri.startsWith('https:')) {
    throw new KeySourceError(`${uri} names a key set without TLS`, true);
  }
  return found.jwks_uri;
}

async function getJson(uri: string, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(uri, { signal, redirect: 'error', headers: { accept: 'application/json' } });
    if (!response.ok) {
      await response.body?.cancel();
      throw new KeySourceError(`${uri} answered ${response.status}`, true);
    }
    return JSON.parse(await readText(response, uri)) as unknown;
  } catch (error) {
    if (error instanceof KeySourceError) throw error;
    throw new KeySourceError(`${uri} could not be read`, !isRefused(error), { cause: error });
  }
}

function isRefused(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return (
    typeof cause?.code === 'string' && ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'].includes(cause.code)
  );
}

async function readText(response: Response, uri: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxDocumentBytes) throw new KeySourceError(`${uri} is larger than ${maxDocumentBytes} bytes`, true);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse<S extends z.ZodType>(schema: S, value: unknown, uri: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new KeySourceError(`${uri} is not what was expected`, true, { cause: result.error });
  return result.data;
}
