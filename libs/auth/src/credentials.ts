import { unauthenticated, type Authenticator } from './authenticator';
import { bearerToken, type RawRequest } from './bearer-token';
import type { Principal } from './principal';

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

/**
 * Who sent a request, by its one credential: a bearer token or an API key.
 * @throws AppError `unauthenticated`, also when there are two: which of them counts is nobody's to guess
 */
export async function callerOf(request: RawRequest, authenticator: Verifier): Promise<Principal> {
  const key = apiKeyOf(request);
  const token = bearerToken(request);
  if (key !== undefined && token !== undefined) throw unauthenticated('a token and an API key');
  if (key !== undefined) {
    if (authenticator.apiKey === undefined) throw unauthenticated('API keys are not taken here');
    return authenticator.apiKey(key);
  }
  if (token === undefined) throw unauthenticated('no credential');
  return authenticator.bearer(token);
}
