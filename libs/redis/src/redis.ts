import type { Logger, Registry } from '@tidegate/telemetry';
import type { Redis } from 'ioredis';
import { z } from 'zod';

export type { Redis } from 'ioredis';

export const redisOptionsSchema = z.object({
  url: z.string().regex(/^rediss?:\/\//, 'must start with redis:// or rediss://'),
  connectTimeoutMs: z.number().int().min(50).max(60_000).default(2_000),
  /** After this long a command fails rather than wait. */
  commandTimeoutMs: z.number().int().min(5).max(60_000).default(250),
});

export type RedisOptions = z.input<typeof redisOptionsSchema>;

export interface RedisDeps {
  logger: Logger;
  registry?: Registry;
}

export function createRedis(_options: RedisOptions, _deps: RedisDeps): Redis {
  throw new Error('not written yet');
}
