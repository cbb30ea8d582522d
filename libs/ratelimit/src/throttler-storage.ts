import type { ThrottlerStorage } from '@nestjs/throttler';
import type { LimitStore } from './admission';

/** The throttler's own port on our counts: what its own guard and `@Throttle` count slides over time, in Redis too. */
export class LimitStorage implements ThrottlerStorage {
  constructor(private readonly store: LimitStore) {}

  async increment(
    key: string,
    ttlMs: number,
    max: number,
    _blockDuration: number,
    name: string,
  ): ReturnType<ThrottlerStorage['increment']> {
    const windowSeconds = Math.ceil(ttlMs / 1_000);
    const limit = {
      kind: 'window',
      name: `throttle-${name}`,
      per: 'ip',
      max,
      windowSeconds,
      withoutRedis: 'bound',
    } as const;
    const { admitted, waitUs, standings } = await this.store.charge([{ limit, key }]);
    const [standing] = standings;
    return {
      totalHits: max - (standing?.remaining ?? 0) + (admitted ? 0 : 1),
      timeToExpire: Math.ceil((standing?.moreInUs ?? 0) / 1_000_000),
      isBlocked: !admitted,
      timeToBlockExpire: Math.ceil(waitUs / 1_000_000),
    };
  }
}
