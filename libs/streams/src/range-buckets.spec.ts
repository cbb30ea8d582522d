import type { RangeRead } from '@tidegate/kafka';
import { RangeBuckets } from './range-buckets';

interface Asked {
  from: bigint;
  answer: (next: bigint) => void;
  fail: (error: Error) => void;
}

/** A reader that answers when it is told to. */
function world(rangeReads = 8) {
  const asked: Asked[] = [];
  let nowMs = 0;
  const readRange = (_topic: string, _partition: number, from: bigint) =>
    new Promise<RangeRead>((resolve, reject) => {
      const answer = (next: bigint) =>
        resolve({ records: [], next, highWatermark: next, lastStable: next, logStart: 0n });
      asked.push({ from, answer, fail: reject });
    });
  const buckets = new RangeBuckets({ readRange }, { rangeReads, rangeReadBytes: 1 }, () => nowMs);
  return { asked, buckets, pass: (ms: number) => (nowMs += ms) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe(RangeBuckets.name, () => {
  it('reads once for all who ask for the same place, or one a little behind', async () => {
    const { asked, buckets } = world();
    const reads = [10n, 10n, 15n].map((from) => buckets.read('t', 0, from));
    await settle();
    expect(asked).toHaveLength(1);
    asked[0]?.answer(20n);
    expect((await Promise.all(reads)).map(({ from }) => from)).toEqual([10n, 10n, 10n]);
  });

  it('reads anew for one whom the shared bucket does not reach', async () => {
    const { asked, buckets } = world();
    void buckets.read('t', 0, 10n);
    const behind = buckets.read('t', 0, 15n);
    await settle();
    asked[0]?.answer(12n);
    await settle();
    expect(asked.map(({ from }) => from)).toEqual([10n, 15n]);
    asked[1]?.answer(30n);
    expect((await behind).from).toBe(15n);
  });

  it('keeps apart partitions, topics and distant places', async () => {
    const { asked, buckets } = world();
    void buckets.read('t', 0, 10n);
    void buckets.read('t', 1, 10n);
    void buckets.read('u', 0, 10n);
    void buckets.read('t', 0, 266n);
    await settle();
    expect(asked).toHaveLength(4);
  });

  it('answers from what was read a moment ago, for two seconds', async () => {
    const { asked, buckets, pass } = world();
    const first = buckets.read('t', 0, 10n);
    await settle();
    asked[0]?.answer(20n);
    await first;
    pass(1_999);
    expect((await buckets.read('t', 0, 19n)).from).toBe(10n);
    void buckets.read('t', 0, 20n);
    await settle();
    expect(asked).toHaveLength(2);
    pass(1);
    void buckets.read('t', 0, 19n);
    await settle();
    expect(asked).toHaveLength(3);
  });

  it('does not answer from what was read before the partition changed', async () => {
    const { asked, buckets } = world();
    const kept = buckets.read('t', 0, 10n);
    await settle();
    asked[0]?.answer(20n);
    await kept;
    const underWay = buckets.read('t', 0, 20n);
    buckets.forget('t', 0);
    await settle();
    asked[1]?.answer(30n);
    await underWay;
    void buckets.read('t', 0, 15n);
    void buckets.read('t', 0, 25n);
    await settle();
    expect(asked).toHaveLength(3);
  });

  it('keeps apart a topic and the one that was made in its place', async () => {
    const { asked, buckets } = world();
    const old = buckets.read('t', 0, 10n, 'old');
    await settle();
    asked[0]?.answer(20n);
    await old;
    void buckets.read('t', 0, 10n, 'new');
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('reads so many at a time, also when some fail', async () => {
    const { asked, buckets } = world(2);
    const reads = Array.from({ length: 5 }, (_, n) => buckets.read('t', n, 0n).catch(() => 'failed'));
    await settle();
    expect(asked).toHaveLength(2);
    asked[0]?.fail(new Error('broken'));
    asked[1]?.answer(1n);
    await settle();
    expect(asked).toHaveLength(4);
    void buckets.read('t', 9, 0n);
    await settle();
    expect(asked).toHaveLength(4);
    for (const { answer } of asked) answer(1n);
    await settle();
    expect(asked).toHaveLength(6);
    for (const { answer } of asked) answer(1n);
    expect((await Promise.all(reads)).filter((read) => read === 'failed')).toHaveLength(1);
  });
});
