import { createLogger, createRegistry } from '@tidegate/telemetry';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Charge, Verdict } from './admission';
import { FailoverStore } from './failover-store';
import { windowLimit } from './limit-store-contract';
import { LimitMetrics } from './metrics';

const fromRedis: Verdict = { admitted: true, waitUs: 0, standings: [{ remaining: 77, moreInUs: 0 }] };

class FakeRedis {
  isDown = false;
  charges = 0;
  readonly signedOff: string[] = [];

  charge(): Promise<Verdict> {
    this.charges += 1;
    return this.answer(fromRedis);
  }

  heartbeat(): Promise<number> {
    return this.answer(5);
  }

  signOff(replica: string): Promise<void> {
    this.signedOff.push(replica);
    return this.answer(undefined);
  }

  private answer<T>(value: T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('down')) : Promise.resolve(value);
  }
}

let redis: FakeRedis;
let store: FailoverStore;

const charge = (key = 'a', changes: object = {}): Promise<Verdict> => {
  const charges: Charge[] = [{ limit: { ...windowLimit(10, 60), ...changes }, key }];
  return store.charge(charges);
};
const admittedOf = async (times: number): Promise<number> => {
  let admitted = 0;
  for (let count = 0; count < times; count += 1) if ((await charge()).admitted) admitted += 1;
  return admitted;
};

beforeEach(() => {
  redis = new FakeRedis();
});

afterEach(() => store.close());

const open = (): void => {
  const metrics = new LimitMetrics(createRegistry());
  store = new FailoverStore({
    redis,
    replicas: 2,
    metrics,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
};

describe(FailoverStore.name, () => {
  it('counts in Redis as long as it answers', async () => {
    open();
    expect(await charge()).toBe(fromRedis);
  });

  it('gives the share of the replicas that Redis told of', async () => {
    open();
    await turn();
    redis.isDown = true;
    expect(await admittedOf(15)).toBe(2);
  });

  it('gives the share of the replicas that the options say when Redis never told', async () => {
    redis.isDown = true;
    open();
    expect(await admittedOf(15)).toBe(5);
  });

  it('does not ask Redis any more after three failures, until a heartbeat came through', async () => {
    open();
    await turn();
    redis.isDown = true;
    await admittedOf(20);
    expect(redis.charges).toBe(3);
    redis.isDown = false;
    expect(await charge()).not.toBe(fromRedis);
    await sleep(400);
    expect(await charge()).toBe(fromRedis);
  });

  it('takes what fails at the same moment for one failure', async () => {
    open();
    await turn();
    redis.isDown = true;
    await Promise.all(Array.from({ length: 50 }, () => charge()));
    expect(store.isDown).toBe(false);
    redis.isDown = false;
    expect(await charge()).toBe(fromRedis);
  });

  it('stays with Redis after one failure and another', async () => {
    open();
    await turn();
    for (let round = 0; round < 5; round += 1) {
      redis.isDown = true;
      await charge(`${round}`);
      redis.isDown = false;
      expect(await charge()).toBe(fromRedis);
    }
  });

  it('refuses what may not be counted without Redis', async () => {
    redis.isDown = true;
    open();
    await expect(charge('a', { withoutRedis: 'refuse' })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await charge()).admitted).toBe(true);
  });

  it('signs off at the end', async () => {
    open();
    await store.close();
    expect(redis.signedOff).toHaveLength(1);
  });
});
