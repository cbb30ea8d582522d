import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { CorruptRecords } from './errors';
import { goldenBatches } from './golden-batches.fixture';
import { decodeRecordSet, type DecodedRecords, type RecordSetPlace } from './record-batch';
import { encodeBatch, encodeMarker, transactionalBit, withChecksum, type BatchRecord } from './record-batch.fixture';

const text = (value: string): Buffer => Buffer.from(value);
const record = (value: string): BatchRecord => ({ key: null, value: text(value) });

function decode(bytes: Buffer, place: Partial<RecordSetPlace> = {}): DecodedRecords {
  return decodeRecordSet(bytes, {
    topic: 't',
    partition: 3,
    from: 0n,
    aborted: [],
    maxInflatedBytes: 1_000_000,
    ...place,
  });
}

const values = ({ records }: DecodedRecords): (string | undefined)[] => records.map(({ value }) => value?.toString());

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
const anyRecord: fc.Arbitrary<BatchRecord> = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  timestampDelta: fc.integer({ min: -1_000, max: 1_000_000 }),
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytesOrNull), { maxLength: 3 }),
});
const someRecords = fc.array(anyRecord, { minLength: 1, maxLength: 8 });

describe('decodeRecordSet()', () => {
  it.each(Object.entries(goldenBatches))('reads what a broker wrote with %s', (_, base64) => {
    const { records, next, corrupt } = decode(Buffer.from(base64, 'base64'));
    expect(corrupt).toBeUndefined();
    expect(next).toBe(4n);
    expect(records.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual([
      [0n, 1_700_000_000_000],
      [1n, 1_700_000_000_005],
      [2n, 1_700_000_000_007],
      [3n, 1_700_000_000_009],
    ]);
    expect(records[0]?.value?.toString()).toBe(`${'tide '.repeat(60)}gate`);
    expect(records[0]?.headers()).toEqual([
      ['h', text('x')],
      ['h', text('y')],
      ['b', Buffer.from([0, 255, 128])],
    ]);
    expect([records[1]?.key, records[1]?.value]).toEqual([null, null]);
    expect([records[2]?.key, records[2]?.value]).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
    expect(records[3]?.key?.toString()).toBe('ö');
  });

  it('gives back what was encoded, whatever it was', () => {
    fc.assert(
      fc.property(someRecords, fc.bigInt({ min: 0n, max: 2n ** 62n }), (records, baseOffset) => {
        const decoded = decode(encodeBatch(records, { baseOffset, baseTimestamp: 5_000n }));
        expect(decoded.corrupt).toBeUndefined();
        expect(decoded.next).toBe(baseOffset + BigInt(records.length));
        expect(
          decoded.records.map(({ key, value, offset, timestampMs }) => ({ key, value, offset, timestampMs })),
        ).toEqual(
          records.map(({ key, value, timestampDelta = 0 }, index) => ({
            key,
            value,
            offset: baseOffset + BigInt(index),
            timestampMs: 5_000 + timestampDelta,
          })),
        );
        expect(decoded.records.map((each) => each.headers())).toEqual(records.map(({ headers }) => headers));
      }),
    );
  });

  it('keeps null header values, repeats, binary values, empty names and __proto__', () => {
    const headers: [string, Buffer | null][] = [
      ['h', null],
      ['h', text('a')],
      ['h', text('b')],
      ['', Buffer.from([0x00, 0xff, 0x80])],
      ['__proto__', text('x')],
    ];
    expect(decode(encodeBatch([{ key: null, value: null, headers }])).records[0]?.headers()).toEqual(headers);
  });

  it('keeps offsets exact beyond 2^53', () => {
    const baseOffset = 2n ** 53n + 1n;
    expect(decode(encodeBatch([record('a')], { baseOffset })).records[0]?.offset).toBe(9_007_199_254_740_993n);
  });

  it.each([
    ['none', -1n, -1],
    ['beyond any date', 2n ** 62n, -1],
    ['long past', -(2n ** 62n), -1],
    ['the epoch', 0n, 0],
  ])('takes a timestamp of %s without harm', (_, baseTimestamp, timestampMs) => {
    expect(decode(encodeBatch([record('a')], { baseTimestamp })).records[0]?.timestampMs).toBe(timestampMs);
  });

  it('takes the time of the log where the topic says so', () => {
    const batch = encodeBatch([record('a')], { attributes: 0x08, baseTimestamp: 1n, maxTimestamp: 77n });
    expect(decode(batch).records[0]?.timestampMs).toBe(77);
  });

  it('cuts records before the asked offset and passes whole batches before it', () => {
    const set = Buffer.concat([
      encodeBatch([record('a'), record('b')]),
      encodeBatch([record('c'), record('d'), record('e')], { baseOffset: 2n }),
    ]);
    const decoded = decode(set, { from: 3n });
    expect(values(decoded)).toEqual(['d', 'e']);
    expect(decoded.next).toBe(5n);
  });

  it('goes over the holes of compaction without a gap', () => {
    const set = Buffer.concat([
      encodeBatch(
        [
          { ...record('a'), offsetDelta: 0 },
          { ...record('c'), offsetDelta: 2 },
        ],
        { lastOffsetDelta: 4 },
      ),
      encodeBatch([], { baseOffset: 5n, lastOffsetDelta: 2 }),
    ]);
    const decoded = decode(set);
    expect(decoded.records.map(({ offset }) => offset)).toEqual([0n, 2n]);
    expect(decoded.next).toBe(8n);
  });

  it('drops control records and what aborted transactions wrote, and nothing else', () => {
    const inTransaction = (value: string, baseOffset: bigint, producerId: bigint): Buffer =>
      encodeBatch([record(value)], { baseOffset, producerId, attributes: transactionalBit });
    const set = Buffer.concat([
      inTransaction('aborted', 10n, 7n),
      inTransaction('of another', 11n, 8n),
      encodeBatch([record('plain')], { baseOffset: 12n, producerId: 7n }),
      encodeMarker(0, 13n, 7n),
      inTransaction('committed', 14n, 7n),
      encodeMarker(1, 15n, 7n),
      encodeMarker(1, 16n, 8n),
    ]);
    const decoded = decode(set, { from: 10n, aborted: [{ producerId: 7n, firstOffset: 10n }] });
    expect(values(decoded)).toEqual(['of another', 'plain', 'committed']);
    expect(decoded.next).toBe(17n);
  });

  it('ignores a batch that the answer cuts off, at any byte', () => {
    const first = encodeBatch([record('a')]);
    const set = Buffer.concat([first, encodeBatch([record('b')], { baseOffset: 1n })]);
    for (let length = 0; length <= set.length; length += 1) {
      const decoded = decode(set.subarray(0, length));
      const whole = length < first.length ? 0 : length < set.length ? 1 : 2;
      expect([decoded.records.length, decoded.next, decoded.corrupt]).toEqual([whole, BigInt(whole), undefined]);
    }
  });

  it('finds every flipped bit that the checksum covers, and says where to go on', () => {
    const batch = encodeBatch([record('abc'), record('def')], { baseOffset: 40n });
    fc.assert(
      fc.property(fc.integer({ min: 17, max: batch.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const flipped = Buffer.from(batch);
        flipped.writeUInt8((flipped[at] as number) ^ (1 << bit), at);
        const { records, corrupt } = decode(flipped);
        expect(records).toEqual([]);
        expect(corrupt).toBeInstanceOf(CorruptRecords);
        expect((corrupt?.next ?? 0n) > 40n).toBe(true);
      }),
    );
  });

  it('never throws and never hangs on bytes that were changed under a right checksum', () => {
    fc.assert(
      fc.property(someRecords, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (records, at, byte, compressed) => {
        const attributes = compressed ? 1 : 0;
        const batch = encodeBatch(records, compressed ? { attributes, compress: gzipSync } : {});
        batch.writeUInt8(byte, 21 + (at % (batch.length - 21)));
        const decoded = decode(withChecksum(batch));
        for (const each of decoded.records) each.headers();
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decode(Buffer.from(bytes))));
  });

  it('delivers what stands before a broken batch', () => {
    const broken = encodeBatch([record('b')], { baseOffset: 1n, lastOffsetDelta: 3 });
    broken.writeUInt8(0xee, broken.length - 1);
    const decoded = decode(Buffer.concat([encodeBatch([record('a')]), broken]));
    expect(values(decoded)).toEqual(['a']);
    expect([decoded.next, decoded.corrupt?.offset, decoded.corrupt?.next]).toEqual([1n, 1n, 5n]);
  });

  it('gives a typed error or the untouched start of the set, however it is cut and flipped', () => {
    const batches = [0, 1, 2].map((index) =>
      encodeBatch([record(`a${index}`), record(`b${index}`)], { baseOffset: BigInt(2 * index) }),
    );
    const set = Buffer.concat(batches);
    const whole = values(decode(set));
    fc.assert(
      fc.property(
        fc.nat({ max: set.length }),
        fc.nat({ max: set.length - 1 }),
        fc.nat({ max: 7 }),
        (length, at, bit) => {
          const changed = Buffer.from(set);
          changed.writeUInt8((changed[at] as number) ^ (1 << bit), at);
          const { records, next, corrupt } = decode(changed.subarray(0, length));
          // The offset of a batch stands outside its checksum; its records do not.
          expect(records.map(({ value }) => String(value))).toEqual(whole.slice(0, records.length));
          expect(records.length % 2).toBe(0);
          expect(next >= BigInt(records.length)).toBe(true);
          if (corrupt) expect([corrupt instanceof CorruptRecords, corrupt.next > next]).toEqual([true, true]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('makes the same of a record however often it is asked, and copies nothing', () => {
    const bytes = encodeBatch([{ key: text('k'), value: text('v') }]);
    const [first] = decode(bytes).records;
    expect(first?.value).toBe(first?.value);
    expect([first?.key?.buffer, first?.value?.buffer]).toEqual([bytes.buffer, bytes.buffer]);
    expect(first).toMatchObject({ topic: 't', partition: 3, offset: 0n, timestampMs: 0, key: text('k') });
  });

  it('goes on behind an unreadable batch, and never back, when it was asked from inside', () => {
    const batch = encodeBatch([record('a'), record('b'), record('c')], { baseOffset: 10n });
    const broken = Buffer.from(batch);
    broken.writeUInt8(0xee, broken.length - 1);
    expect(decode(broken, { from: 11n }).corrupt?.next).toBe(13n);
    const headless = Buffer.from(batch);
    headless.writeUInt8(9, 16);
    expect(decode(headless, { from: 11n }).corrupt?.next).toBe(12n);
    const liar = Buffer.from(broken);
    liar.writeBigInt64BE(2n ** 63n - 1n, 0);
    expect(decode(liar, { from: 11n }).corrupt?.next).toBe(12n);
  });

  it.each([
    ['records out of order', [1, 0], 2],
    ['two records at one offset', [0, 0], 2],
    ['more bytes than records', [0, 1], 1],
  ])('refuses %s', (_, deltas, count) => {
    const records = deltas.map((offsetDelta) => ({ ...record('a'), offsetDelta }));
    const { records: read, corrupt } = decode(encodeBatch(records, { count, lastOffsetDelta: 1 }));
    expect([read, corrupt?.offset, corrupt?.next]).toEqual([[], 0n, 2n]);
  });

  it('refuses a batch that stands before the one that it follows', () => {
    const set = Buffer.concat([encodeBatch([record('a')], { baseOffset: 5n }), encodeBatch([record('b')])]);
    const { records, corrupt } = decode(set);
    expect([records.length, corrupt?.next]).toEqual([1, 7n]);
  });

  it('refuses a count that the bytes cannot hold, without making room for it', () => {
    expect(decode(encodeBatch([record('a')], { count: 2 ** 31 - 1 })).corrupt?.message).toContain(
      'claims 2147483647 records',
    );
  });

  it('refuses the formats before version 2', () => {
    const old = encodeBatch([record('a')]);
    old.writeInt8(1, 16);
    expect(decode(old).corrupt?.message).toContain('format 1');
  });

  it('inflates to the limit and not beyond', () => {
    const batch = encodeBatch([record('x'.repeat(10_000))], { attributes: 1, compress: gzipSync });
    const inflated = 10_000 + 3 + 8;
    expect(decode(batch, { maxInflatedBytes: inflated }).records).toHaveLength(1);
    expect(decode(batch, { maxInflatedBytes: inflated - 1 }).corrupt?.message).toContain('grows beyond');
  });
});
