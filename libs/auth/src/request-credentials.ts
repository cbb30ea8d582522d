import { unauthenticated } from './refusal';

/** Whatever carries a request as it came; Node's `IncomingMessage` does. */
export interface RawRequest {
  rawHeaders: readonly string[];
  method?: string | undefined;
  /** The target, with its query. */
  url?: string | undefined;
  socket?: object | undefined;
}

/** The token of an `Authorization` header. A `DPoP` one is of no use without a proof. */
export interface PresentedToken {
  scheme: 'bearer' | 'dpop';
  text: string;
}

/** All values of a header. Node's `headers` keeps the first of some, joins others with commas, and hides that there were more. */
export function headerValues({ rawHeaders }: RawRequest, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

/**
 * The token of the one `Authorization: Bearer …` or `Authorization: DPoP …` header; undefined when there is no such header.
 * @throws AppError `unauthenticated` when there are several, or another scheme
 */
export function tokenOf(request: RawRequest): PresentedToken | undefined {
  const values = headerValues(request, 'authorization');
  const [value] = values;
  if (value === undefined) return undefined;
  const [, scheme, text] = /^(Bearer|DPoP) +([\w.~+/=-]+)$/i.exec(value) ?? [];
  if (values.length > 1 || scheme === undefined || text === undefined) throw unauthenticated('not one token');
  return { scheme: scheme.toLowerCase() as PresentedToken['scheme'], text };
}

/**
 * The text of the one `X-API-Key` header; undefined when there is no such header. The query is never read.
 * @throws AppError `unauthenticated` when there are several
 */
export function apiKeyOf(request: RawRequest): string | undefined {
  const values = headerValues(request, 'x-api-key');
  if (values.length > 1) throw unauthenticated('several API keys');
  return values[0];
}
