import type { Health, HealthCheck } from '@tidegate/telemetry';
import type { Redis } from 'ioredis';

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
    await this.redis.ping();
    return { ok: true };
  }
}
