export type { Redis } from 'ioredis';
export { RedisHealth } from './health';
export {
  closeRedis,
  createRedis,
  redisAnswer,
  redisError,
  redisOptionsSchema,
  type RedisDeps,
  type RedisOptions,
} from './redis';
export { REDIS, RedisModule } from './redis.module';
