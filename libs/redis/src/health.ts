import type { Health, HealthCheck } from '@tidegate/telemetry';
import type { Redis } from 'ioredis';

/** Asks Redis itself; the client's command time-out bounds how long that takes. */
export class RedisHealth implements HealthCheck {
  readonly name = 'redis';
  readonly required: boolean;

  constructor(
    private readonly redis: Redis,
    { required = false }: { required?: boolean } = {},
  ) {
    this.required = required;
  }

  async check(): Promise<Health> {
    if (this.redis.status !== 'ready') return { ok: false, reason: `not connected (${this.redis.status})` };
    try {
      await this.redis.ping();
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : 'no answer' };
    }
  }
}
