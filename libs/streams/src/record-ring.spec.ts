import { RecordRing, RingBudget } from './record-ring';
import { sizeOf, type StreamRecord } from './stream-record';

function record(offset: number, bytes = 10): StreamRecord {
  const value = Buffer.alloc(bytes);
  return {
    ...{ topic: 't', partition: 0, offset: BigInt(offset), timestampMs: 0 },
    ...{ key: null, value, owner: undefined, via: 'tail', decoded: undefined, reported: false },
  };
}

const offsetsFrom = (ring: RecordRing, from: number) =>
  [...ring.from(BigInt(from))].map(({ offset }) => Number(offset));
const roomy = () => new RingBudget(Infinity);

describe(RecordRing.name, () => {
  it('gives records from any offset on, over holes', () => {
    const ring = new RecordRing({ maxRecords: 10, maxBytes: 1e6 }, roomy(), 0n);
    ring.append([record(0), record(2), record(5)], 8n);
    expect([0, 1, 2, 3, 5, 6, 8].map((from) => offsetsFrom(ring, from))).toEqual([
      [0, 2, 5],
      [2, 5],
      [2, 5],
      [5],
      [5],
      [],
      [],
    ]);
    expect([ring.start, ring.next]).toEqual([0n, 8n]);
  });

  it('keeps so many records and no more, and knows where it starts then', () => {
    const ring = new RecordRing({ maxRecords: 3, maxBytes: 1e6 }, roomy(), 0n);
    ring.append([record(0), record(1), record(2)], 3n);
    expect(ring.start).toBe(0n);
    ring.append([record(3)], 4n);
    expect([ring.start, offsetsFrom(ring, 0)]).toEqual([1n, [1, 2, 3]]);
  });

  it('keeps so many bytes and no more', () => {
    const ring = new RecordRing({ maxRecords: 100, maxBytes: 3 * sizeOf(record(0)) }, roomy(), 0n);
    ring.append([record(0), record(1), record(2)], 3n);
    expect(ring.start).toBe(0n);
    ring.append([record(3)], 4n);
    expect([ring.start, ring.bytes]).toEqual([1n, 3 * sizeOf(record(0))]);
  });

  it('stays right over many times its size', () => {
    const ring = new RecordRing({ maxRecords: 100, maxBytes: 1e6 }, roomy(), 0n);
    for (let n = 0; n < 10_000; n++) ring.append([record(n)], BigInt(n + 1));
    expect([ring.start, ring.size, ring.bytes]).toEqual([9_900n, 100, 100 * sizeOf(record(0))]);
    expect(offsetsFrom(ring, 9_998)).toEqual([9_998, 9_999]);
  });

  it('goes on elsewhere after a reset', () => {
    const budget = roomy();
    const ring = new RecordRing({ maxRecords: 10, maxBytes: 1e6 }, budget, 0n);
    ring.append([record(0)], 1n);
    ring.reset(50n);
    ring.append([record(51)], 52n);
    expect([ring.start, offsetsFrom(ring, 50), budget.bytes]).toEqual([50n, [51], sizeOf(record(0))]);
  });
});

describe(RingBudget.name, () => {
  it('takes from the fullest ring when all together hold too much', () => {
    const budget = new RingBudget(10 * sizeOf(record(0)));
    const limits = { maxRecords: 100, maxBytes: 1e6 };
    const [busy, quiet] = [new RecordRing(limits, budget, 0n), new RecordRing(limits, budget, 0n)];
    busy.append(
      Array.from({ length: 8 }, (_, n) => record(n)),
      8n,
    );
    quiet.append([record(0), record(1)], 2n);
    expect([busy.size, quiet.size]).toEqual([8, 2]);
    quiet.append([record(2)], 3n);
    expect([busy.size, quiet.size, budget.bytes]).toEqual([7, 3, 10 * sizeOf(record(0))]);
    busy.close();
    expect(budget.bytes).toBe(3 * sizeOf(record(0)));
  });
});
