import { AppError } from '@tidegate/errors';
import { redisAnswer, type Redis } from '@tidegate/redis';

/** Keeps a text for a while and gives it out once. */
export interface TicketStore {
  put(id: string, text: string, lifetimeMs: number): Promise<void>;
  take(id: string): Promise<string | undefined>;
}

/** For one process without Redis. Full, it takes no more before the oldest ends. */
export class MemoryTicketStore implements TicketStore {
  private readonly entries = new Map<string, { text: string; endsMs: number }>();

  constructor(private readonly options: { most?: number; now?: () => number } = {}) {}

  put(id: string, text: string, lifetimeMs: number): Promise<void> {
    const { most = 10_000, now = Date.now } = this.options;
    const nowMs = now();
    // All live equally long, so the oldest end first.
    for (const [oldest, { endsMs }] of this.entries) {
      if (endsMs > nowMs) break;
      this.entries.delete(oldest);
    }
    if (this.entries.size >= most) {
      const detail = 'Too many tickets have not been used yet; ask again later.';
      return Promise.reject(new AppError('unavailable', detail, { retryAfterMs: lifetimeMs }));
    }
    this.entries.set(id, { text, endsMs: nowMs + lifetimeMs });
    return Promise.resolve();
  }

  take(id: string): Promise<string | undefined> {
    const { now = Date.now } = this.options;
    const entry = this.entries.get(id);
    this.entries.delete(id);
    return Promise.resolve(entry !== undefined && entry.endsMs > now() ? entry.text : undefined);
  }
}

/** For all replicas. */
export class RedisTicketStore implements TicketStore {
  constructor(
    private readonly redis: Pick<Redis, 'set' | 'getdel'>,
    private readonly prefix = 'tidegate:ticket:',
  ) {}

  async put(id: string, text: string, lifetimeMs: number): Promise<void> {
    await redisAnswer(this.redis.set(this.prefix + id, text, 'PX', lifetimeMs));
  }

  async take(id: string): Promise<string | undefined> {
    return (await redisAnswer(this.redis.getdel(this.prefix + id))) ?? undefined;
  }
}
