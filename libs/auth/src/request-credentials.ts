import { unauthenticated } from './authenticator';

/** Whatever carries the headers of a request as they came; Node's `IncomingMessage` does. */
export interface RawRequest {
  rawHeaders: readonly string[];
}

/**
 * The token of the one `Authorization: Bearer …` header; undefined when there is no such header.
 * @throws AppError `unauthenticated` when there are several, or another scheme.
 */
export function bearerToken({ rawHeaders }: RawRequest): string | undefined {
  // Node's `headers` keeps the first of several Authorization headers and hides the rest.
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && isAuthorization(rawHeaders[index - 1]));
  const [value] = values;
  if (value === undefined) return undefined;
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(value)?.[1];
  if (values.length > 1 || token === undefined) throw unauthenticated('not one bearer token');
  return token;
}

function isAuthorization(name: string | undefined): boolean {
  return name?.toLowerCase() === 'authorization';
}
