import { setTimeout as delay } from 'node:timers/promises';

export { delay };

/** Rejects with what `late` makes when the promise takes longer; the promise itself goes on, its outcome unseen. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, timeoutMs));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Doubles from `firstMs` to `maxMs`, with ±20 % so that many clients do not come back at once. */
export function backoffMs(attempt: number, firstMs: number, maxMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(attempt, 16), maxMs) * (0.8 + Math.random() * 0.4);
}

/** Waits for it, but no longer than this; how it ends is nobody's business here. */
export async function atMost(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  await within(promise, timeoutMs, () => new Error('not in time')).catch(() => undefined);
}

export interface RetryOptions {
  /** From the first try on; no pause begins that would not end before. */
  timeoutMs: number;
  firstMs: number;
  maxMs: number;
  /** What no other try would change. */
  isFinal(error: unknown): boolean;
  /** Done after each pause. */
  before?(): Promise<unknown>;
}

/** Tries until it succeeds, fails for good, or the time is over. @throws the error of the last try, or of `before` */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const deadlineMs = Date.now() + options.timeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const waitMs = backoffMs(attempt, options.firstMs, options.maxMs);
      if (options.isFinal(error) || Date.now() + waitMs >= deadlineMs) throw error;
      await delay(waitMs);
    }
    await options.before?.();
  }
}
