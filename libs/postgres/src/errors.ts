import { AppError } from '@tidegate/errors';
import { types } from 'node:util';

/** SQLSTATEs of a server that is starting, stopping, full or gone (classes 08 and 57P, 53300). */
const unavailableStates = /^(08...|57P0[1-5]|53300)$/;
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
// The driver gives these no code.
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|The server does not support|Cannot use a pool after calling end|Client was closed)/;

/**
 * Makes the driver's errors ours: a server that is away is `unavailable`, a statement that ran out of time `timeout`,
 * a deadlock or failed serialization `conflict`. Whatever is a mistake in the statement stays as it is.
 */
export function translate(error: unknown): unknown {
  if (AppError.is(error) || !types.isNativeError(error)) return error;
  const code = codeOf(error);
  if (isConnectionError(error)) {
    return new AppError('unavailable', 'The database is not available.', { cause: error, retryAfterMs: 1_000 });
  }
  if (code === '57014') return new AppError('timeout', 'The database took too long.', { cause: error });
  if (code === '40001' || code === '40P01') {
    return new AppError('conflict', 'Somebody changed the same rows at the same time.', { cause: error });
  }
  return error;
}

/** Whether the connection that gave this error cannot be used any more. */
export function isConnectionError(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  // What a name with several addresses gives: one error for each.
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.every(isConnectionError);
  const code = codeOf(error);
  return unavailableStates.test(code) || networkCodes.has(code) || lostConnection.test(error.message);
}

/** Whether a unique constraint refused the row. */
export function isUniqueViolation(error: unknown): boolean {
  return types.isNativeError(error) && codeOf(error) === '23505';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
