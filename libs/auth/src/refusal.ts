import { AppError } from '@tidegate/errors';

/** One message for all reasons; the reason is for logs. */
export function unauthenticated(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'A valid access token is needed.', { cause });
}
