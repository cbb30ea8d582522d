import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

export type Random = () => number;

/** Random numbers that a seed gives again. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A delay of its own for every call. */
export function chaos(random: Random): () => Promise<void> {
  return async () => {
    const dice = random();
    if (dice < 0.3) return;
    if (dice < 0.6) await turn();
    else await sleep(random() * 8);
  };
}
