import { AppError } from '@tidegate/errors';
import { createLogger } from '@tidegate/telemetry';
import type { Redis } from 'ioredis';
import { once } from 'node:events';
import { RedisHealth } from './health';
import { closeRedis, createRedis, redisError, redisOptionsSchema } from './redis';

const logger = createLogger({ service: 'test', level: 'silent' });

describe('redisOptionsSchema', () => {
  it('accepts plain and TLS addresses, and refuses anything else', () => {
    for (const url of ['redis://127.0.0.1:6379', 'rediss://cache:6380/1'])
      expect(redisOptionsSchema.safeParse({ url }).success).toBe(true);
    for (const url of ['127.0.0.1:6379', 'http://127.0.0.1', 'redis://', '']) {
      expect(redisOptionsSchema.safeParse({ url }).success).toBe(false);
    }
  });

  it('limits the command time-out on both sides', () => {
    const withTimeout = (commandTimeoutMs: number) =>
      redisOptionsSchema.safeParse({ url: 'redis://a', commandTimeoutMs }).success;
    expect([4, 5, 60_000, 60_001].map(withTimeout)).toEqual([false, true, true, false]);
  });
});

describe('createRedis()', () => {
  let redis: Redis | undefined;

  afterEach(() => redis?.disconnect());

  it('fails a command at once while there is no connection, without an unhandled error', async () => {
    redis = createRedis({ url: 'redis://127.0.0.1:1' }, { logger });
    const startedAtMs = Date.now();
    await expect(redis.get('a')).rejects.toThrow();
    expect(Date.now() - startedAtMs).toBeLessThan(200);
    expect(await new RedisHealth(redis).check()).toMatchObject({ ok: false });
  });

  it('closes without hanging when it never connected', async () => {
    redis = createRedis({ url: 'redis://127.0.0.1:1' }, { logger });
    const ended = once(redis, 'end');
    await closeRedis(redis);
    await ended;
  });
});

describe('redisError()', () => {
  it('tells a broken connection from a command that Redis refused', () => {
    const reply = Object.assign(new Error('WRONGTYPE Operation against a key'), { name: 'ReplyError' });
    expect(redisError(reply).code).toBe('internal');
    expect(redisError(new Error('Connection is closed.'))).toMatchObject({ code: 'unavailable', outcome: undefined });
    expect(redisError(new Error('Command timed out'))).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    const own = new AppError('conflict', 'taken');
    expect(redisError(own)).toBe(own);
  });

  it('shows nothing of the cause to clients', () => {
    expect(redisError(new Error('connect ECONNREFUSED 10.0.0.1:6379')).message).not.toContain('10.0.0.1');
  });
});
