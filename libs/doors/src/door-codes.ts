import { closeCodes } from '@tidegate/contracts';
import type { ErrorCode } from '@tidegate/errors';
import type { ByeCode } from '@tidegate/streams';

/** Why a door ends a connection: what a session says, and what is between the client and the door only. */
export type EndCode = ByeCode | 'bad_message' | 'limit';

export const closeCodeOf: Record<EndCode, number> = {
  restart: closeCodes.restart,
  token_expired: closeCodes.tokenExpired,
  access_withdrawn: closeCodes.accessWithdrawn,
  too_slow: closeCodes.tooSlow,
  taken: closeCodes.taken,
  bad_message: closeCodes.badMessage,
  limit: closeCodes.limit,
};

/**
 * What an error does to a WebSocket that is open; before that, the upgrade is refused with the code's HTTP status.
 * `refused`: an error frame, and the connection lives on. `bad`: the same, counted against the client. Else: an error
 * frame, then the end.
 */
export const frameOutcomeOf: Record<ErrorCode, 'refused' | 'bad' | EndCode> = {
  invalid_argument: 'bad',
  malformed: 'bad',
  invalid_cursor: 'refused',
  foreign_cursor: 'refused',
  mode_not_offered: 'refused',
  // A refresh that fails leaves the old token in force until its end.
  unauthenticated: 'refused',
  permission_denied: 'refused',
  not_found: 'refused',
  method_not_allowed: 'refused',
  not_acceptable: 'refused',
  conflict: 'refused',
  too_large: 'refused',
  unsupported_media_type: 'bad',
  unprocessable: 'refused',
  idempotency_mismatch: 'refused',
  rate_limited: 'limit',
  too_slow: 'too_slow',
  invalid_catalog: 'refused',
  invalid_config: 'refused',
  internal: 'refused',
  upstream_failed: 'refused',
  unavailable: 'refused',
  warming: 'refused',
  timeout: 'refused',
};
