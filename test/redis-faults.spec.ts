import { freePort, startRedis } from '@tidegate/infra';
import { closeRedis, createRedis, redisError, RedisHealth, type Redis } from '@tidegate/redis';
import { createLogger } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';

const logger = createLogger({ service: 'test', level: 'silent' });
const commandTimeoutMs = 200;

async function timed<T>(promise: Promise<T>): Promise<{ outcome: T | Error; ms: number }> {
  const startedAtMs = Date.now();
  const outcome = await promise.catch((error: unknown) => error as Error);
  return { outcome, ms: Date.now() - startedAtMs };
}

async function untilReady(redis: Redis): Promise<void> {
  while (redis.status !== 'ready') await sleep(20);
}

describe('a Redis that fails', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    redis = createRedis({ url: server.url, commandTimeoutMs }, { logger });
    await untilReady(redis);
  });

  afterEach(() => closeRedis(redis));

  it('is used and found healthy while it works', async () => {
    await redis.set('greeting', 'hello');
    expect(await redis.get('greeting')).toBe('hello');
    expect(await new RedisHealth(redis).check()).toEqual({ ok: true });
  });

  it('fails commands at once while it is down, and serves the same client when it is back', async () => {
    await server.kill();
    while (redis.status === 'ready') await sleep(10);
    const { outcome, ms } = await timed(redis.incr('while-down'));
    expect(outcome).toBeInstanceOf(Error);
    expect(redisError(outcome).code).toBe('unavailable');
    expect(ms).toBeLessThan(commandTimeoutMs + 100);
    expect(await new RedisHealth(redis).check()).toMatchObject({ ok: false });

    await server.restart();
    await untilReady(redis);
    // What failed is not made up for behind the caller's back.
    await sleep(100);
    expect(await redis.exists('while-down')).toBe(0);
    expect(await new RedisHealth(redis).check()).toEqual({ ok: true });
  });

  it('fails commands within the command time-out while it is paused, and serves the same client afterwards', async () => {
    await server.pause();
    const results = await Promise.all(Array.from({ length: 20 }, () => timed(redis.get('greeting'))));
    for (const { outcome, ms } of results) {
      expect(redisError(outcome)).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
      expect(ms).toBeLessThan(commandTimeoutMs + 300);
    }
    const health = await timed(Promise.resolve(new RedisHealth(redis).check()));
    expect(health.outcome).toMatchObject({ ok: false });
    expect(health.ms).toBeLessThan(commandTimeoutMs + 300);

    await server.resume();
    await untilReady(redis);
    await redis.set('after', '1');
    expect(await redis.get('after')).toBe('1');
  });

  it('may be down when the client starts', async () => {
    const late = createRedis({ url: `redis://127.0.0.1:${await freePort()}`, commandTimeoutMs }, { logger });
    const { outcome, ms } = await timed(late.ping());
    expect(outcome).toBeInstanceOf(Error);
    expect(ms).toBeLessThan(commandTimeoutMs);
    const started = await startRedis({ port: Number(late.options.port) });
    await untilReady(late);
    expect(await late.ping()).toBe('PONG');
    await closeRedis(late);
    await started.stop();
  });

  it('loses the commands of a connection that breaks, and repeats none', async () => {
    await server.pause();
    const unanswered = timed(redis.incr('unanswered'));
    await server.kill();
    expect((await unanswered).outcome).toBeInstanceOf(Error);
    await server.restart();
    await untilReady(redis);
    await sleep(100);
    expect(await redis.exists('unanswered')).toBe(0);
  });
});
