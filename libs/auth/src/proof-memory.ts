import { AppError } from '@tidegate/errors';
import { redisAnswer, type Redis } from '@tidegate/redis';

/** Knows which proofs were used. */
export interface ProofMemory {
  /** Whether an id comes for the first time within so long. @throws AppError `unavailable` when that cannot be known */
  isFirst(id: string, keptMs: number): Promise<boolean>;
}

/** For one process without Redis. Full, it takes no more before the oldest ends. */
export class LocalProofMemory implements ProofMemory {
  private readonly entries = new Map<string, number>();

  constructor(private readonly options: { most?: number; now?: () => number } = {}) {}

  isFirst(id: string, keptMs: number): Promise<boolean> {
    const { most = 100_000, now = Date.now } = this.options;
    const nowMs = now();
    // All are kept equally long, so the oldest end first.
    for (const [oldest, endsMs] of this.entries) {
      if (endsMs > nowMs) break;
      this.entries.delete(oldest);
    }
    if (this.entries.has(id)) return Promise.resolve(false);
    if (this.entries.size >= most) {
      return Promise.reject(new AppError('unavailable', 'Too many proofs; try again later.', { retryAfterMs: 5_000 }));
    }
    this.entries.set(id, nowMs + keptMs);
    return Promise.resolve(true);
  }
}

/** For all replicas. */
export class RedisProofMemory implements ProofMemory {
  constructor(private readonly redis: Pick<Redis, 'set'>) {}

  async isFirst(id: string, keptMs: number): Promise<boolean> {
    return (await redisAnswer(this.redis.set(`tidegate:dpop:${id}`, '1', 'PX', keptMs, 'NX'))) === 'OK';
  }
}
