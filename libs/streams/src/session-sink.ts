/** Why something before this point cannot be had. */
export type GapReason = 'retention' | 'truncated' | 'recreated' | 'too-far' | 'snapshot-limit' | 'no-position';

/** Why the server ends a session. */
export type ByeCode = 'restart' | 'too_slow' | 'token_expired' | 'access_withdrawn' | 'taken';

/**
 * The transport's end of a session. Called synchronously and never before `subscribe` has resolved its promise's work;
 * every method must return without throwing. JSON texts hold no CR or LF.
 */
export interface SessionSink {
  /** `json` is the text of an array of `count` rows; `cursor` is the position after them. */
  rows(json: string, count: number, cursor: string): void;
  /** `json` is the text of an array of keys (arrays of their parts) of entities that were deleted, or left what is seen. */
  gone(json: string, count: number, cursor: string): void;
  gap(reason: GapReason, cursor: string): void;
  caughtUp(cursor: string): void;
  /** A heartbeat: nothing for this caller up to here. */
  cursor(cursor: string): void;
  expiring(inSeconds: number): void;
  /** Nothing new can be had until further notice. The session stays, and goes on by itself. */
  unavailable(detail: string): void;
  /** The session is over; nothing follows. */
  bye(code: ByeCode, retryMs: number): void;
  /** Bytes handed over that the network has not taken yet. */
  bufferedBytes(): number;
}
