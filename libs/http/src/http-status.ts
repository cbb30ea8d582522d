import type { ErrorCode } from '@tidegate/errors';

const statuses: Record<ErrorCode, number> = {
  invalid_argument: 400,
  malformed: 400,
  invalid_cursor: 400,
  foreign_cursor: 403,
  mode_not_offered: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
  idempotency_mismatch: 422,
  rate_limited: 429,
  // The client did not take or send in time what was its turn.
  too_slow: 408,
  invalid_catalog: 500,
  invalid_config: 500,
  internal: 500,
  upstream_failed: 502,
  unavailable: 503,
  warming: 503,
  timeout: 504,
};

/** The HTTP status of an error code. */
export function httpStatus(code: ErrorCode): number {
  return statuses[code];
}

// What Nest, Fastify and Node say by status only.
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'too_slow',
  409: 'conflict',
  413: 'too_large',
  414: 'too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  429: 'rate_limited',
  431: 'too_large',
  502: 'upstream_failed',
  503: 'unavailable',
  504: 'timeout',
};

/** The error code for a status that came without one. */
export function codeOfStatus(status: number): ErrorCode {
  return codes[status] ?? (status >= 400 && status < 500 ? 'invalid_argument' : 'internal');
}
