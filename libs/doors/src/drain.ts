import { setTimeout as sleep } from 'node:timers/promises';

const stepMs = 50;
/** Fewer than these at once do not make a storm. */
const leastPerStep = 100;

/** Ends all, a share of them at a time, so that they do not all come back to the other replicas at once. */
export async function endSpread(all: Iterable<{ drain(): void }>, overMs: number): Promise<void> {
  const left = [...all];
  const perStep = Math.max(leastPerStep, Math.ceil((left.length * stepMs) / overMs));
  while (left.length > 0) {
    for (const one of left.splice(0, perStep)) one.drain();
    if (left.length > 0) await sleep(stepMs);
  }
}
