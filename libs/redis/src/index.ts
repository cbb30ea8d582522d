export { RedisHealth } from './health';
export { createRedis, redisOptionsSchema, type Redis, type RedisDeps, type RedisOptions } from './redis';
