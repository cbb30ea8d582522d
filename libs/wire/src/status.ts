import type { ErrorCode } from '@tidegate/errors';

/** The codes of Nack and Goodbye. Public contract: add, never renumber. */
export const statusCodes = {
  unauthenticated: 1,
  forbidden: 2,
  malformed: 3,
  tooLarge: 4,
  unsupported: 5,
  rateLimited: 6,
  unavailable: 7,
  sessionTaken: 8,
  restart: 9,
  protocol: 10,
  timeout: 11,
} as const;

export type Status = keyof typeof statusCodes;

/** How this edge says an error. */
export function statusOf(code: ErrorCode): Status {
  switch (code) {
    case 'unauthenticated':
      return 'unauthenticated';
    case 'permission_denied':
    case 'not_found':
      return 'forbidden';
    case 'invalid_argument':
    case 'malformed':
    case 'invalid_cursor':
    case 'foreign_cursor':
    case 'unprocessable':
      return 'malformed';
    case 'too_large':
      return 'tooLarge';
    case 'mode_not_offered':
    case 'method_not_allowed':
    case 'not_acceptable':
    case 'unsupported_media_type':
      return 'unsupported';
    case 'rate_limited':
    case 'too_slow':
      return 'rateLimited';
    case 'conflict':
    case 'idempotency_mismatch':
    case 'invalid_catalog':
    case 'invalid_config':
    case 'internal':
    case 'upstream_failed':
    case 'unavailable':
    case 'warming':
    case 'timeout':
      return 'unavailable';
  }
}

/** Whether a Nack ends the matter for its frame; otherwise the device sends it and all later ones of its lane again. */
export function settles(status: Status): boolean {
  return status === 'malformed' || status === 'forbidden' || status === 'tooLarge' || status === 'unsupported';
}
