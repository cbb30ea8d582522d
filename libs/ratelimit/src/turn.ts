import { setTimeout as delay } from 'node:timers/promises';

/** @throws the reason of `signal` when it aborts first */
export async function waitForTurn(waitMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
