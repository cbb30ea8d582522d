import { startRedis, type LocalStore as Server } from '@tidegate/infra';
import { createRateLimiter, loadLimits, RedisStore, type RateLimiter } from '@tidegate/ratelimit';
import { closeRedis, createRedis, type Redis } from '@tidegate/redis';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
// The one contract that both stores keep.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { describeLimitStore, rateLimit, windowLimit } from '../libs/ratelimit/src/limit-store-contract';

const logger = createLogger({ service: 'test', level: 'silent' });
const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-limits-'));
const limitsFile = path.join(folder, 'limits.yaml');
writeFileSync(
  limitsFile,
  `limits:
  minute: { per: subject, max: 1000, window: 1m }
  paced: { per: subject, rate: 10/s, burst: 5 }
  writes: { per: subject, max: 1000, window: 1m, withoutRedis: refuse }
  queued: { per: subject, rate: 5/s, burst: 1, queue: { maxWaitMs: 1000, maxWaiting: 3 } }
`,
);
const limits = loadLimits(limitsFile);

let server: Server;
let redis: Redis;
let apps = 0;
const opened: { limiter: RateLimiter; client: Redis }[] = [];

const connect = (): Redis => createRedis({ url: server.url }, { logger });
// A busy machine may answer late: where counts are compared, that is no reason to count elsewhere.
const patient = { redisTimeoutMs: 5_000 };
const newApp = (): string => `test-${(apps += 1)}`;

/** One more replica, with a connection of its own. */
async function replica(
  app: string,
  options: { replicas?: number; redisTimeoutMs?: number } = patient,
): Promise<RateLimiter> {
  const client = connect();
  await ready(client);
  const limiter = createRateLimiter(limits, { app, redis: client, ...options, logger, registry: createRegistry() });
  opened.push({ limiter, client });
  return limiter;
}

async function ready(client: Redis): Promise<void> {
  await until(async () => (await client.ping().catch(() => '')) === 'PONG');
}

async function until(holds: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(20);
  }
}

async function admittedOf(limiter: RateLimiter, limit: string, key: string, times: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: times }, () => limiter.admit([{ limit, key }])));
  return all.filter(({ admitted }) => admitted).length;
}

beforeAll(async () => {
  server = await startRedis();
  redis = connect();
  await ready(redis);
});

afterEach(async () => {
  for (const { limiter, client } of opened.splice(0)) {
    await limiter.close();
    await closeRedis(client);
  }
});

afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describeLimitStore(RedisStore.name, () => ({
  store: new RedisStore({ redis, app: newApp(), timeoutMs: patient.redisTimeoutMs }),
  pass: async (ms) => {
    await sleep(ms);
  },
  passToSecond: async () => {
    const [, microseconds] = await redis.time();
    await sleep(1_000 - Number(microseconds) / 1_000 + 5);
  },
}));

describe('keys', () => {
  it('share a slot in one call, name nobody, and end by themselves', async () => {
    const app = newApp();
    const store = new RedisStore({ redis, app, timeoutMs: patient.redisTimeoutMs });
    const charges = [windowLimit(5, 2), rateLimit(500, 5)].map((limit) => ({ limit, key: 'subject:north/13' }));
    await store.charge(charges);
    const keys = (await redis.keys('*')).filter((key) => key.includes(app));
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toContain(`{${app}}`);
      expect(key).not.toContain('north');
      expect(await redis.pttl(key)).toBeGreaterThan(0);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(4_000);
    }
  });

  it('are counted on after Redis has forgotten the scripts', async () => {
    const limiter = await replica(newApp());
    expect(await admittedOf(limiter, 'paced', 'a', 1)).toBe(1);
    await redis.script('FLUSH');
    expect((await limiter.admit([{ limit: 'paced', key: 'a' }])).limits[0]?.remaining).toBe(3);
  });
});

describe('replicas', () => {
  it('admit 1,000 of 1,400 between them, and none of them one more', async () => {
    const app = newApp();
    const [one, two] = await Promise.all([replica(app), replica(app)]);
    const admitted = await Promise.all([admittedOf(one, 'minute', 'a', 700), admittedOf(two, 'minute', 'a', 700)]);
    expect((admitted[0] ?? 0) + (admitted[1] ?? 0)).toBe(1_000);
  });

  it('keep rate × time + burst under load, and every wait that they name is enough', async () => {
    const app = newApp();
    const all = await Promise.all([replica(app), replica(app)]);
    const startedAt = performance.now();
    let admitted = 0;
    const failedRetries: number[] = [];
    const client = async (limiter: RateLimiter): Promise<void> => {
      while (performance.now() - startedAt < 3_000) {
        const answer = await limiter.admit([{ limit: 'paced', key: 'shared' }]);
        if (answer.admitted) admitted += 1;
        else await sleep(5);
      }
    };
    await Promise.all([...all, ...all].map(client));
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    expect(admitted).toBeLessThanOrEqual(10 * elapsedSeconds + 5);
    expect(admitted).toBeGreaterThanOrEqual(10 * 3 * 0.9);

    for (let round = 0; round < 5; round += 1) {
      const [limiter] = all;
      const { admitted: now, retryAfterMs } = await limiter.admit([{ limit: 'paced', key: 'alone' }]);
      if (now) {
        round -= 1;
        continue;
      }
      expect(retryAfterMs).toBeGreaterThan(0);
      await sleep(retryAfterMs);
      const retried = await limiter.admit([{ limit: 'paced', key: 'alone' }]);
      if (!retried.admitted) failedRetries.push(retryAfterMs);
    }
    expect(failedRetries).toEqual([]);
  });

  it('queue in one line, and a caller that leaves makes room', async () => {
    const app = newApp();
    const [one, two] = await Promise.all([replica(app), replica(app)]);
    const admit = (limiter: RateLimiter, signal?: AbortSignal) =>
      limiter.admit([{ limit: 'queued', key: 'a' }], signal === undefined ? {} : { signal });
    await admit(one);
    const leaving = new AbortController();
    const startedAt = performance.now();
    const waiting = [admit(one), admit(two), admit(one, leaving.signal)];
    waiting[2]?.catch(() => undefined);
    await sleep(50);
    expect((await admit(two)).admitted).toBe(false);
    leaving.abort(new Error('left'));
    await expect(waiting[2]).rejects.toThrow('left');
    await sleep(50);
    const last = admit(two);
    const answers = await Promise.all([waiting[0], waiting[1], last]);
    expect(answers.map((answer) => answer?.admitted)).toEqual([true, true, true]);
    expect(performance.now() - startedAt).toBeGreaterThan(550);
  });
});

describe('Redis that comes and goes', () => {
  afterEach(async () => {
    await server.restart();
    await ready(redis);
  });

  it('hangs: no request waits long for it, each replica gives its share, and nothing is counted late', async () => {
    const app = newApp();
    const [one, two] = await Promise.all([replica(app, {}), replica(app, {})]);
    // Both have signed on by now, so that each knows of two.
    await until(async () => (await redis.zcard(`tidegate:limits:{${app}}:replicas`)) === 2);
    await sleep(5_500);
    await admittedOf(one, 'minute', 'before', 10);

    await server.pause();
    const durations: number[] = [];
    const timed = async (limiter: RateLimiter, key: string): Promise<boolean> => {
      const startedAt = performance.now();
      const { admitted } = await limiter.admit([{ limit: 'minute', key }]);
      durations.push(performance.now() - startedAt);
      return admitted;
    };
    const first = await Promise.all(Array.from({ length: 50 }, () => timed(one, 'during')));
    let admitted = first.filter(Boolean).length;
    for (let count = 0; count < 1_000; count += 1) if (await timed(one, 'during')) admitted += 1;
    expect(admitted).toBe(500);
    // Time for the connection to be given up and made again, which must not be waited for either.
    for (let count = 0; count < 60; count += 1) {
      await timed(two, 'later');
      await sleep(100);
    }
    // But for moments in which the machine itself did nothing.
    expect(durations.filter((ms) => ms > 100).length).toBeLessThanOrEqual(2);
    await expect(one.admit([{ limit: 'writes', key: 'during' }])).rejects.toMatchObject({ code: 'unavailable' });

    await server.resume();
    await until(async () => (await one.admit([{ limit: 'writes', key: 'x' }]).catch(() => undefined)) !== undefined);
    // What was sent before the pause and lay in the socket since then has charged nothing.
    const { limits: standing } = await one.admit([{ limit: 'minute', key: 'during' }]);
    expect(standing[0]?.remaining).toBe(999);
    const { limits: kept } = await one.admit([{ limit: 'minute', key: 'before' }]);
    expect(kept[0]?.remaining).toBe(989);
  });

  it('dies: the share holds meanwhile, and Redis counts again by itself', async () => {
    const limiter = await replica(newApp(), { replicas: 4 });
    await sleep(200);
    await server.kill();
    // The only replica that is alive, whatever was said.
    expect(await admittedOf(limiter, 'minute', 'a', 1_200)).toBe(1_000);
    await server.restart();
    await until(
      async () => (await limiter.admit([{ limit: 'writes', key: 'x' }]).catch(() => undefined)) !== undefined,
    );
    expect((await limiter.admit([{ limit: 'minute', key: 'b' }])).limits[0]?.remaining).toBe(999);
  });

  it('is away from the start: as many replicas as was said share the limits', async () => {
    await server.kill();
    const client = connect();
    const limiter = createRateLimiter(limits, {
      ...{ app: newApp(), redis: client, replicas: 4, logger },
      registry: createRegistry(),
    });
    opened.push({ limiter, client });
    expect(await admittedOf(limiter, 'minute', 'a', 1_200)).toBe(250);
  });
});
