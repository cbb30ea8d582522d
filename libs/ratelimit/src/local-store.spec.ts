import type { Limit } from '@tidegate/catalog';
import fc from 'fast-check';
import { describeLimitStore, rateLimit, windowLimit } from './limit-store-contract';
import { LocalStore, shareOf } from './local-store';

class Clock {
  us = 1_700_000_000_400_000;
  readonly now = () => this.us;
  pass(ms: number): Promise<void> {
    this.us += Math.round(ms * 1_000);
    return Promise.resolve();
  }
}

describeLimitStore(LocalStore.name, () => {
  const clock = new Clock();
  return {
    store: new LocalStore({ nowUs: clock.now }),
    pass: (ms) => clock.pass(ms),
    passToSecond: () => clock.pass(1_000 - (clock.us % 1_000_000) / 1_000 + 1),
  };
});

const queues = fc.option(
  fc.record({ maxWaitMs: fc.integer({ min: 1, max: 4_000 }), maxWaiting: fc.integer({ min: 1, max: 9 }) }),
);
const gapsUs = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000_000 })), {
  minLength: 1,
  maxLength: 300,
});

/** When each admitted request of an arbitrary arrival had its turn; some that wait leave. */
function turns(limit: Limit, gaps: readonly number[], leave: boolean): number[] {
  const clock = new Clock();
  const store = new LocalStore({ nowUs: clock.now });
  return gaps.flatMap((gap, index) => {
    clock.us += gap;
    const verdict = store.charge([{ limit, key: 'a' }]);
    if (!verdict.admitted) return [];
    if (leave && index % 3 === 0 && verdict.giveBack !== undefined) {
      void verdict.giveBack();
      return [];
    }
    return [clock.us + verdict.waitUs];
  });
}

describe('any arrival', () => {
  it('never has more than max in any window', () => {
    const limits = fc.record({ max: fc.integer({ min: 1, max: 12 }), seconds: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(limits, queues, gapsUs, fc.boolean(), ({ max, seconds }, queue, gaps, leave) => {
        const times = turns(windowLimit(max, seconds, queue ?? undefined), gaps, leave).sort((a, b) => a - b);
        for (const [index, time] of times.entries()) {
          const windowEnd = times[index + max];
          if (windowEnd !== undefined) expect(windowEnd - time).toBeGreaterThan(seconds * 1_000_000);
        }
      }),
    );
  });

  it('never has more than rate × time + burst', () => {
    const limits = fc.record({
      intervalMs: fc.integer({ min: 1, max: 2_000 }),
      burst: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(limits, queues, gapsUs, fc.boolean(), ({ intervalMs, burst }, queue, gaps, leave) => {
        const times = turns(rateLimit(intervalMs, burst, queue ?? undefined), gaps, leave).sort((a, b) => a - b);
        for (const [first, from] of times.entries()) {
          for (let last = first; last < times.length; last += 1) {
            const elapsedUs = (times[last] ?? 0) - from;
            expect(last - first + 1).toBeLessThanOrEqual(elapsedUs / (intervalMs * 1_000) + burst);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is admitted at the time that a refusal named, and not before', () => {
    const limits = fc.oneof(
      fc
        .record({ max: fc.integer({ min: 1, max: 5 }), seconds: fc.integer({ min: 1, max: 5 }) })
        .map(({ max, seconds }) => windowLimit(max, seconds)),
      fc
        .record({ ms: fc.integer({ min: 1, max: 2_000 }), burst: fc.integer({ min: 1, max: 5 }) })
        .map(({ ms, burst }) => rateLimit(ms, burst)),
    );
    fc.assert(
      fc.property(fc.array(limits, { minLength: 1, maxLength: 3 }), gapsUs, (several, gaps) => {
        const clock = new Clock();
        const store = new LocalStore({ nowUs: clock.now });
        const charges = several.map((limit, index) => ({ limit: { ...limit, name: `limit-${index}` }, key: 'a' }));
        for (const gap of gaps) {
          clock.us += gap;
          const { admitted, waitUs } = store.charge(charges);
          if (admitted) continue;
          clock.us += waitUs - 1;
          expect(store.charge(charges)).toMatchObject({ admitted: false, waitUs: 1 });
          clock.us += 1;
          expect(store.charge(charges).admitted).toBe(true);
        }
      }),
    );
  });
});

describe(LocalStore.name, () => {
  it('forgets callers whose counts are over', () => {
    const clock = new Clock();
    const store = new LocalStore({ nowUs: clock.now });
    for (let caller = 0; caller < 500; caller += 1) store.charge([{ limit: windowLimit(5, 2), key: `${caller}` }]);
    expect(store.size).toBe(500);
    void clock.pass(11_000);
    store.charge([{ limit: rateLimit(10, 1), key: 'next' }]);
    expect(store.size).toBe(1);
  });

  it('holds at most so many callers', () => {
    const clock = new Clock();
    const store = new LocalStore({ nowUs: clock.now, maxMeters: 100 });
    for (let caller = 0; caller < 5_000; caller += 1) {
      store.charge([{ limit: windowLimit(5, 60), key: `${caller}` }]);
      expect(store.size).toBeLessThanOrEqual(100);
    }
  });

  it.each([windowLimit(2, 2), rateLimit(1_000, 2)])(
    'does not lock out for long when its clock is set back: $kind',
    (limit) => {
      const clock = new Clock();
      const store = new LocalStore({ nowUs: clock.now });
      const charge = () => store.charge([{ limit, key: 'a' }]).admitted;
      expect([charge(), charge(), charge()]).toEqual([true, true, false]);
      clock.us -= 3_600_000_000;
      charge();
      void clock.pass(40_000);
      expect(charge()).toBe(true);
    },
  );

  it('gives a share of every limit, and at least one', () => {
    expect(shareOf(windowLimit(1_000, 60), 4)).toMatchObject({ max: 250 });
    expect(shareOf(windowLimit(2, 60), 4)).toMatchObject({ max: 1 });
    expect(shareOf(rateLimit(50, 40, { maxWaitMs: 500, maxWaiting: 10 }), 4)).toMatchObject({
      ...{ intervalUs: 200_000, burst: 10 },
      queue: { maxWaitMs: 500, maxWaiting: 2 },
    });
  });
});
