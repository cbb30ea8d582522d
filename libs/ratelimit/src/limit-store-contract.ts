import type { Limit, LimitQueue } from '@tidegate/catalog';
import type { Charge, LimitStore, Verdict } from './admission';

/** A store to hold to the contract, and how time passes for it. */
export interface StoreUnderTest {
  store: LimitStore;
  pass(ms: number): Promise<void>;
  /** Until just after a second of the store's clock begins. */
  passToSecond(): Promise<void>;
}

const base = { per: 'subject', withoutRedis: 'bound' } as const;
const withQueue = (queue?: LimitQueue) => (queue === undefined ? {} : { queue });

export function windowLimit(max: number, windowSeconds: number, queue?: LimitQueue, name = 'window'): Limit {
  return { ...base, kind: 'window', name, max, windowSeconds, ...withQueue(queue) };
}

export function rateLimit(intervalMs: number, burst: number, queue?: LimitQueue, name = 'rate'): Limit {
  return { ...base, kind: 'rate', name, intervalUs: intervalMs * 1_000, burst, ...withQueue(queue) };
}

// Real servers answer when they can; a fake clock is exact.
const toleranceMs = 60;

let keys = 0;

/** What every `LimitStore` does; `open` is called for each case. */
export function describeLimitStore(name: string, open: () => StoreUnderTest): void {
  const newKey = () => `key-${(keys += 1)}`;
  const charger = ({ store }: StoreUnderTest, limits: Limit[], key = newKey()) => {
    const charges: Charge[] = limits.map((limit) => ({ limit, key }));
    return async (times = 1): Promise<Verdict[]> => {
      const verdicts: Verdict[] = [];
      for (let count = 0; count < times; count += 1) verdicts.push(await store.charge(charges));
      return verdicts;
    };
  };
  const admitted = (verdicts: Verdict[]) => verdicts.filter((verdict) => verdict.admitted).length;
  const one = async (charge: () => Promise<Verdict[]>): Promise<Verdict> => {
    const [verdict] = await charge();
    if (verdict === undefined) throw new Error('no verdict');
    return verdict;
  };

  describe(`${name}: max in a window`, () => {
    it('admits max at once and refuses the next one', async () => {
      const charge = charger(open(), [windowLimit(1_000, 60)]);
      const verdicts = await charge(1_001);
      expect(admitted(verdicts)).toBe(1_000);
      expect(verdicts.at(-1)).toMatchObject({ admitted: false, standings: [{ remaining: 0 }] });
      expect(verdicts.slice(0, 2).map(({ standings }) => standings[0]?.remaining)).toEqual([999, 998]);
    });

    it('admits again exactly when it said so', async () => {
      const tested = open();
      const charge = charger(tested, [windowLimit(2, 1)]);
      await tested.passToSecond();
      expect(admitted(await charge(3))).toBe(2);
      const { waitUs, standings } = await one(charge);
      expect(standings[0]?.moreInUs).toBe(waitUs);
      expect(waitUs).toBeGreaterThan(1_000_000);
      expect(waitUs).toBeLessThanOrEqual(2_000_000);
      await tested.pass(waitUs / 1_000 - toleranceMs);
      expect(admitted(await charge())).toBe(0);
      await tested.pass(toleranceMs * 2);
      expect(admitted(await charge(3))).toBe(2);
    });

    it('slides: what came later is free later', async () => {
      const tested = open();
      const charge = charger(tested, [windowLimit(3, 1)]);
      await tested.passToSecond();
      expect(admitted(await charge(1))).toBe(1);
      await tested.pass(1_000);
      expect(admitted(await charge(3))).toBe(2);
      await tested.pass(1_000);
      expect(admitted(await charge(3))).toBe(1);
    });

    it('has a queue in the order of arrival, as long as its limits', async () => {
      const tested = open();
      const charge = charger(tested, [windowLimit(2, 1, { maxWaitMs: 5_000, maxWaiting: 3 })]);
      await tested.passToSecond();
      const verdicts = await charge(6);
      expect(verdicts.map((verdict) => verdict.admitted)).toEqual([true, true, true, true, true, false]);
      const seconds = verdicts.map(({ waitUs }) => Math.round(waitUs / 1_000_000));
      expect(seconds).toEqual([0, 0, 2, 2, 4, 4]);
    });

    it('gives the turn of one who left to the next', async () => {
      const tested = open();
      const charge = charger(tested, [windowLimit(1, 1, { maxWaitMs: 5_000, maxWaiting: 1 })]);
      await charge();
      const waiting = await one(charge);
      expect(await one(charge)).toMatchObject({ admitted: false });
      await waiting.giveBack?.();
      expect(await one(charge)).toMatchObject({ admitted: true });
    });
  });

  describe(`${name}: rate and burst`, () => {
    it('admits the burst at once, then one for each interval', async () => {
      const tested = open();
      const charge = charger(tested, [rateLimit(400, 5)]);
      const verdicts = await charge(6);
      expect(verdicts.map((verdict) => verdict.admitted)).toEqual([true, true, true, true, true, false]);
      expect(verdicts.map(({ standings }) => standings[0]?.remaining)).toEqual([4, 3, 2, 1, 0, 0]);
      const { waitUs, standings } = await one(charge);
      expect(standings[0]?.moreInUs).toBe(waitUs);
      expect(waitUs).toBeLessThanOrEqual(400_000);
      await tested.pass(waitUs / 1_000 - toleranceMs);
      expect(admitted(await charge())).toBe(0);
      await tested.pass(toleranceMs * 2);
      expect(admitted(await charge(2))).toBe(1);
    });

    it('is full again after the time of a burst, and never fuller', async () => {
      const tested = open();
      const charge = charger(tested, [rateLimit(100, 4)]);
      await charge(4);
      await tested.pass(1_000);
      const verdicts = await charge(6);
      expect(admitted(verdicts)).toBe(4);
      expect(verdicts[0]?.standings[0]).toMatchObject({ remaining: 3 });
    });

    it('gives waiting ones turns an interval apart, and refuses a longer queue', async () => {
      const charge = charger(open(), [rateLimit(1_000, 1, { maxWaitMs: 9_000, maxWaiting: 3 })]);
      const verdicts = await charge(5);
      expect(verdicts.map((verdict) => verdict.admitted)).toEqual([true, true, true, true, false]);
      expect(verdicts.map(({ waitUs }) => Math.round(waitUs / 1_000_000))).toEqual([0, 1, 2, 3, 4]);
    });

    it('refuses one that would wait too long', async () => {
      const charge = charger(open(), [rateLimit(1_000, 1, { maxWaitMs: 2_500, maxWaiting: 9 })]);
      expect(admitted(await charge(9))).toBe(3);
    });

    it('gives the turn of one who left to the next', async () => {
      const charge = charger(open(), [rateLimit(1_000, 1, { maxWaitMs: 1_500, maxWaiting: 9 })]);
      await charge();
      const waiting = await one(charge);
      expect(await one(charge)).toMatchObject({ admitted: false });
      await waiting.giveBack?.();
      const next = await one(charge);
      expect(next.admitted).toBe(true);
      expect(Math.abs(next.waitUs - waiting.waitUs)).toBeLessThan(500_000);
    });
  });

  describe(`${name}: several limits`, () => {
    it('charges none when one refuses', async () => {
      const tested = open();
      const key = newKey();
      const narrow = windowLimit(1, 60, undefined, 'narrow');
      const wide = windowLimit(5, 60, undefined, 'wide');
      const paced = rateLimit(60_000, 5, undefined, 'paced');
      const verdicts = await charger(tested, [wide, paced, narrow], key)(4);
      expect(verdicts.map((verdict) => verdict.admitted)).toEqual([true, false, false, false]);
      expect(verdicts.at(-1)?.standings.map(({ remaining }) => remaining)).toEqual([4, 4, 0]);
      expect(admitted(await charger(tested, [wide, paced], key)(6))).toBe(4);
    });

    it('says the longest of their times', async () => {
      const charge = charger(open(), [windowLimit(1, 30), rateLimit(90_000, 1)]);
      await charge();
      const { waitUs } = await one(charge);
      expect(waitUs).toBeGreaterThan(85_000_000);
      expect(waitUs).toBeLessThanOrEqual(90_000_000);
    });

    it('waits only when each limit that is used up has a queue', async () => {
      const queue = { maxWaitMs: 9_000, maxWaiting: 9 };
      const tested = open();
      const both = charger(tested, [rateLimit(1_000, 1, queue, 'a'), rateLimit(3_000, 1, queue, 'b')]);
      expect((await both(2)).map((verdict) => Math.round(verdict.waitUs / 1_000_000))).toEqual([0, 3]);
      const mixed = charger(tested, [rateLimit(1_000, 1, queue, 'a'), rateLimit(3_000, 1, undefined, 'b')]);
      expect(admitted(await mixed(2))).toBe(1);
    });

    it('keeps callers and limits apart', async () => {
      const tested = open();
      const limit = windowLimit(1, 60);
      const key = newKey();
      expect(admitted(await charger(tested, [limit], key)(2))).toBe(1);
      expect(admitted(await charger(tested, [limit], `${key}-other`)(2))).toBe(1);
      expect(admitted(await charger(tested, [{ ...limit, name: 'other' }], key)(2))).toBe(1);
    });
  });
}
