import { Inject, Module, type BeforeApplicationShutdown, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { TrustedProxies } from '@tidegate/auth';
import { REDIS, type Redis } from '@tidegate/redis';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { createRateLimiter, type RateLimiterOptions } from './create-rate-limiter';
import { quotaOf } from './limit-headers';
import { LimitsGuard } from './limits.guard';
import { LiveLimits } from './live-limits';
import { rateLimitOptionsSchema, type RateLimitOptions } from './options';
import { RateLimiter } from './rate-limiter';
import { RequestLimits, type RequestLimitsSettings } from './request-limits';
import { LimitStorage } from './throttler-storage';

/** Makes the limiter before the throttler asks for it as its storage. */
@Module({})
class LimiterModule implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly limits: LiveLimits,
    private readonly limiter: RateLimiter,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly registry: Registry,
  ) {}

  static forRoot(
    limits: LiveLimits,
    settings: RequestLimitsSettings,
    make: (deps: Pick<RateLimiterOptions, 'redis' | 'logger' | 'registry'>) => RateLimiter,
  ): DynamicModule {
    return {
      module: LimiterModule,
      global: true,
      providers: [
        { provide: LiveLimits, useValue: limits },
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
      exports: [LiveLimits, RateLimiter, RequestLimits],
    };
  }

  onModuleInit(): void {
    const { limits, limiter, logger, registry } = this;
    limits.onChange((now) => limiter.change(now));
    limits.watch({ logger, registry });
  }

  // Requests in flight may still be counted; only this replica's share is free for the others now.
  beforeApplicationShutdown(): Promise<void> {
    this.limits.close();
    return this.limiter.close();
  }
}

/**
 * Limits for every route, after authentication: import it after `AuthModule`. Counts in Redis where `RedisModule` is
 * imported, else in this process. `RateLimiter`, `RequestLimits` and the `LiveLimits` that they follow can be injected everywhere.
 */
@Module({})
export class RateLimitModule {
  /** @throws CatalogError when the limits file is not valid */
  static forRoot({ app, limitsFile, defaults = [], ...rest }: RateLimitOptions): DynamicModule {
    const { trustedProxies = [], ...counting } = rateLimitOptionsSchema.parse(rest);
    const limits = new LiveLimits(limitsFile);
    const settings: RequestLimitsSettings = { defaults, proxies: new TrustedProxies(trustedProxies) };
    return {
      module: RateLimitModule,
      imports: [
        LimiterModule.forRoot(limits, settings, (deps) =>
          createRateLimiter(limits.current, { ...deps, app, ...counting }),
        ),
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
