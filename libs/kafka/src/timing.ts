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
