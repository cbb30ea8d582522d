import { AppError } from '@tidegate/errors';

const retryAfterMs = 2_000;

/** What callers hear when Kafka cannot be read: the same whatever is wrong, since topics are not theirs to know. */
export function unreadable(cause?: unknown): AppError {
  return new AppError('unavailable', 'The stream cannot be read at the moment.', { cause, retryAfterMs });
}

/** Passes on what a reader of Kafka gives, or says `unreadable`. */
export async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw unreadable(error);
  }
}
