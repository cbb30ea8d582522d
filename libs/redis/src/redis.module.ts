import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER, type Logger } from '@tidegate/telemetry';
import type { Redis } from 'ioredis';
import { RedisHealth } from './health';
import { closeRedis, createRedis, type RedisOptions } from './redis';

/** Injection token of the client: `@Inject(REDIS) redis: Redis`. */
export const REDIS = Symbol('tidegate.redis');

/** Makes the client and `RedisHealth` injectable everywhere, and closes the connection at the end. */
@Module({})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  static forRoot(options: RedisOptions): DynamicModule {
    return {
      module: RedisModule,
      global: true,
      providers: [
        { provide: REDIS, inject: [LOGGER], useFactory: (logger: Logger) => createRedis(options, { logger }) },
        { provide: RedisHealth, inject: [REDIS], useFactory: (redis: Redis) => new RedisHealth(redis) },
      ],
      exports: [REDIS, RedisHealth],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return closeRedis(this.redis);
  }
}
