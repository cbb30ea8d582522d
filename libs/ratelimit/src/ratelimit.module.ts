import { Module, type BeforeApplicationShutdown, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { TrustedProxies } from '@tidegate/auth';
import { loadLimits } from '@tidegate/catalog';
import { REDIS, type Redis } from '@tidegate/redis';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { createRateLimiter, type RateLimiterOptions } from './create-rate-limiter';
import { quotaOf } from './limit-headers';
import { LimitsGuard } from './limits.guard';
import { rateLimitOptionsSchema, type RateLimitOptions } from './options';
import { RateLimiter } from './rate-limiter';
import { RequestLimits, type RequestLimitsSettings } from './request-limits';
import { LimitStorage } from './throttler-storage';

/** Makes the limiter before the throttler asks for it as its storage. */
@Module({})
class LimiterModule implements BeforeApplicationShutdown {
  constructor(private readonly limiter: RateLimiter) {}

  static forRoot(
    settings: RequestLimitsSettings,
    make: (deps: Pick<RateLimiterOptions, 'redis' | 'logger' | 'registry'>) => RateLimiter,
  ): DynamicModule {
    return {
      module: LimiterModule,
      global: true,
      providers: [
        {
          provide: RateLimiter,
          inject: [LOGGER, Registry, { token: REDIS, optional: true }],
          useFactory: (logger: Logger, registry: Registry, redis?: Redis) =>
            make({ logger, registry, ...(redis !== undefined && { redis }) }),
        },
        {
          provide: RequestLimits,
          inject: [RateLimiter],
          useFactory: (limiter: RateLimiter) => new RequestLimits(limiter, settings),
        },
      ],
      exports: [RateLimiter, RequestLimits],
    };
  }

  // Requests in flight may still be counted; only this replica's share is free for the others now.
  beforeApplicationShutdown(): Promise<void> {
    return this.limiter.close();
  }
}

/**
 * Limits for every route, after authentication: import it after `AuthModule`. Counts in Redis where `RedisModule` is
 * imported, else in this process. `RateLimiter` and `RequestLimits` can be injected everywhere.
 */
@Module({})
export class RateLimitModule {
  /** @throws CatalogError when the limits file is not valid */
  static forRoot({ app, limitsFile, defaults = [], ...rest }: RateLimitOptions): DynamicModule {
    const { trustedProxies = [], ...counting } = rateLimitOptionsSchema.parse(rest);
    const limits = loadLimits(limitsFile);
    const settings: RequestLimitsSettings = { defaults, proxies: new TrustedProxies(trustedProxies) };
    return {
      module: RateLimitModule,
      imports: [
        LimiterModule.forRoot(settings, (deps) => createRateLimiter(limits, { ...deps, app, ...counting })),
        ThrottlerModule.forRootAsync({ inject: [RateLimiter], useFactory: throttlerOptions }),
      ],
      providers: [{ provide: APP_GUARD, useClass: LimitsGuard }],
    };
  }
}

function throttlerOptions({ limits, store }: RateLimiter): ThrottlerModuleOptions {
  const throttlers = [...limits.values()].map((limit) => {
    const { quota, seconds } = quotaOf(limit);
    return { name: limit.name, limit: quota, ttl: seconds * 1_000 };
  });
  return { throttlers, storage: new LimitStorage(store) };
}
