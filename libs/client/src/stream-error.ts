/** Why a stream cannot be followed, or not any further. */
export class StreamError extends Error {
  constructor(
    /** A code of the server (`not_found`, `invalid_cursor`, `access_withdrawn`, …), or `callback` for an error of ours. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StreamError';
  }
}

const passing = new Set([
  ...['unavailable', 'warming', 'timeout', 'internal', 'conflict', 'rate_limited', 'too_slow', 'upstream_failed'],
]);

/** Whether the same request would be answered the same again. */
export function isFinal(code: string): boolean {
  return !passing.has(code);
}
