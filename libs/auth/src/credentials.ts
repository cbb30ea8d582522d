import { unauthenticated, type Authenticator } from './authenticator';
import { bearerToken, type RawRequest } from './bearer-token';
import type { CredentialMethod, Principal } from './principal';

type Verifier = Pick<Authenticator, 'bearer'> & Partial<Pick<Authenticator, 'apiKey'>>;

/**
 * The text of the one `X-API-Key` header; undefined when there is no such header. The query is never read.
 * @throws AppError `unauthenticated` when there are several
 */
export function apiKeyOf({ rawHeaders }: RawRequest): string | undefined {
  // Node's `headers` joins several ones with commas.
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'x-api-key',
  );
  if (values.length > 1) throw unauthenticated('several API keys');
  return values[0];
}

/** What a caller showed to prove who it is. Secret. */
export interface Credential {
  method: CredentialMethod;
  text: string;
}

/**
 * The one credential of a request: a bearer token or an API key.
 * @throws AppError `unauthenticated` when there is none, and when there are two: which of them counts is nobody's to guess
 */
export function credentialOf(request: RawRequest): Credential {
  const key = apiKeyOf(request);
  const token = bearerToken(request);
  if (key !== undefined && token !== undefined) throw unauthenticated('a token and an API key');
  if (key !== undefined) return { method: 'api-key', text: key };
  if (token !== undefined) return { method: 'bearer', text: token };
  throw unauthenticated('no credential');
}

/** Whose credential it is now. @throws AppError `unauthenticated`, `unavailable` */
export async function principalOf({ method, text }: Credential, authenticator: Verifier): Promise<Principal> {
  if (method === 'bearer') return authenticator.bearer(text);
  if (authenticator.apiKey === undefined) throw unauthenticated('API keys are not taken here');
  return authenticator.apiKey(text);
}

/** Who sent a request. @throws AppError as `credentialOf` and `principalOf` do */
export async function callerOf(request: RawRequest, authenticator: Verifier): Promise<Principal> {
  return principalOf(credentialOf(request), authenticator);
}
