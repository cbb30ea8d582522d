import type { LimitsByName } from '@tidegate/catalog';
import type { Redis } from '@tidegate/redis';
import type { Logger, Registry } from '@tidegate/telemetry';
import { FailoverStore } from './failover-store';
import { LocalStore } from './local-store';
import { LimitMetrics } from './metrics';
import { RateLimiter } from './rate-limiter';
import { RedisStore } from './redis-store';

export interface RateLimiterOptions {
  /** Whose counts these are: apps with different names share none. */
  app: string;
  /** Where the counts of all replicas are; without it this process counts alone. */
  redis?: Redis;
  /** How many replicas share the limits while Redis is down, as long as it never told; 1 by default. */
  replicas?: number;
  /** A call to Redis that takes longer is counted here instead; 50 by default. */
  redisTimeoutMs?: number;
  logger: Logger;
  registry: Registry;
}

/** A limiter for what is not served by Nest; `RateLimitModule` makes its own. */
export function createRateLimiter(limits: LimitsByName, options: RateLimiterOptions): RateLimiter {
  const { app, redis, replicas = 1, redisTimeoutMs: timeoutMs = 50, logger, registry } = options;
  const metrics = new LimitMetrics(registry);
  const store =
    redis === undefined
      ? new LocalStore()
      : new FailoverStore({ redis: new RedisStore({ redis, app, timeoutMs }), replicas, metrics, logger });
  return new RateLimiter(limits, { store, metrics });
}
