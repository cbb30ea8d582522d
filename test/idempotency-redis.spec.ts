import { Idempotency, RedisIdempotencyStore } from '@tidegate/http';
import { startRedis, type LocalStore } from '@tidegate/infra';
import { closeRedis, createRedis, type Redis } from '@tidegate/redis';
import { createLogger } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
// The one contract that both stores keep.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { describeIdempotencyStore } from '../libs/http/src/idempotency-store-contract';

const logger = createLogger({ service: 'test', level: 'silent' });

let server: LocalStore;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = createRedis({ url: server.url, commandTimeoutMs: 5_000 }, { logger });
  while (redis.status !== 'ready') await sleep(10);
}, 60_000);

afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
});

describeIdempotencyStore('Redis', () => new RedisIdempotencyStore(redis));

describe('idempotency over Redis', () => {
  const request = { key: 'k1', caller: 'c', operation: 'POST /x', body: { a: 1 } };

  it('keeps keys for 24 h from their first request, and nothing that can be read', async () => {
    const idempotency = new Idempotency(new RedisIdempotencyStore(redis, 'kept:'));
    await idempotency.run({ ...request, key: 'a very secret key' }, () => Promise.resolve({}));
    const [key = ''] = await redis.keys('kept:*');
    expect(key).toMatch(/^kept:[\w-]{43}$/);
    const leftMs = await redis.pttl(key);
    expect(leftMs).toBeGreaterThan(24 * 3_600_000 - 10_000);
    expect(leftMs).toBeLessThanOrEqual(24 * 3_600_000);
  });

  it('does nothing while Redis hangs, says so quickly, and goes on after it', async () => {
    const impatient = createRedis({ url: server.url, commandTimeoutMs: 200 }, { logger });
    while (impatient.status !== 'ready') await sleep(10);
    const idempotency = new Idempotency(new RedisIdempotencyStore(impatient, 'hung:'));
    const work = jest.fn(() => Promise.resolve({ done: true }));
    await server.pause();
    const startedAtMs = Date.now();
    await expect(idempotency.run(request, work)).rejects.toMatchObject({ code: 'unavailable', outcome: undefined });
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    expect(work).not.toHaveBeenCalled();
    await server.resume();
    while ((await impatient.ping().catch(() => '')) !== 'PONG') await sleep(20);
    expect(await idempotency.run({ ...request, key: 'k2' }, work)).toMatchObject({ replayed: false });
    await closeRedis(impatient);
  });
});
