interface CatalogueEntry {
  /** A short sentence for people, the same for every occurrence. */
  title: string;
  /** Whether the same request can succeed later without being changed. */
  retryable: boolean;
}

/** Every code there is. Codes are public contract: add, never rename or reuse. */
export const catalogue = {
  invalid_argument: { title: 'The request has invalid input', retryable: false },
  malformed: { title: 'The request could not be parsed', retryable: false },
  invalid_cursor: { title: 'The cursor is not valid', retryable: false },
  foreign_cursor: { title: 'The cursor belongs to another stream or caller', retryable: false },
  mode_not_offered: { title: 'The stream does not offer this mode', retryable: false },
  unauthenticated: { title: 'Authentication is needed', retryable: false },
  permission_denied: { title: 'The caller may not do this', retryable: false },
  not_found: { title: 'There is no such resource for this caller', retryable: false },
  method_not_allowed: { title: 'The resource does not support this method', retryable: false },
  not_acceptable: { title: 'None of the accepted media types is available', retryable: false },
  conflict: { title: 'The request conflicts with the current state', retryable: true },
  too_large: { title: 'The request is larger than allowed', retryable: false },
  unsupported_media_type: { title: 'The content type is not supported', retryable: false },
  unprocessable: { title: 'The request is well-formed but cannot be carried out', retryable: false },
  idempotency_mismatch: { title: 'The idempotency key was used with another request', retryable: false },
  rate_limited: { title: 'Too many requests', retryable: true },
  too_slow: { title: 'The client reads too slowly', retryable: true },
  invalid_catalog: { title: 'The catalog is not valid', retryable: false },
  invalid_config: { title: 'The configuration is not valid', retryable: false },
  internal: { title: 'Something went wrong', retryable: false },
  upstream_failed: { title: 'A service behind this one failed', retryable: true },
  unavailable: { title: 'The service is not available at the moment', retryable: true },
  warming: { title: 'The stream is still loading', retryable: true },
  timeout: { title: 'The deadline passed', retryable: true },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

export const errorCodes = Object.keys(catalogue) as readonly ErrorCode[];

/** The sentence for people that goes with a code. */
export function errorTitle(code: ErrorCode): string {
  return catalogue[code].title;
}
