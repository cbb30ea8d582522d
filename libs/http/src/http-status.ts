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
  // A client that reads too slowly is a stream's business; as an answer it is the server giving up on the request.
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
