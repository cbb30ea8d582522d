/* eslint-disable @typescript-eslint/no-require-imports -- untyped paths inside the package, typed below */
import fc from 'fast-check';
import { codecNumbers, type Compression } from './compression';
import { decodeRecordSet } from './record-batch';
import { encodeHeaders, encodeRecordBatch, type EncodableRecord } from './record-batch-encoder';

interface Encoded {
  readonly buffer: Buffer;
}

const theirRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoded;
const theirBatch = (
  require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<Encoded> }
).RecordBatch;

const identity = { producerId: 4_000_000_000_007n, epoch: 3, firstSequence: 2_147_483_600 };
const time = 1_700_000_000_000;
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const nullable = (maxLength: number): fc.Arbitrary<Buffer | null> => fc.option(bytes(maxLength));
const name = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('', '__proto__', 'same'));

interface Parts {
  delta: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: [string, Buffer | null][];
}

const parts: fc.Arbitrary<Parts> = fc.record({
  delta: fc.integer({ min: -5_000, max: 5_000 }),
  key: nullable(20),
  value: nullable(300),
  headers: fc.array(fc.tuple(name, nullable(10)), { maxLength: 4 }),
});

function recordOf({ delta, key, value, headers }: Parts): EncodableRecord {
  const pairs = headers.map(([header, content]) => [Buffer.from(header), content] as const);
  return { sentAtMs: time + delta, key, value, headers: pairs.length > 0 ? encodeHeaders(pairs) : undefined };
}

function decode(batch: Buffer): Parts[] {
  const place = { topic: 't', partition: 0, from: 0n, aborted: [], maxInflatedBytes: 10_000_000 };
  const { records, corrupt } = decodeRecordSet(batch, place);
  expect(corrupt).toBeUndefined();
  return records.map((record) => ({
    delta: record.timestampMs - time,
    key: record.key,
    value: record.value,
    headers: record.headers(),
  }));
}

const codecs = Object.keys(codecNumbers) as Compression[];

describe('encodeRecordBatch()', () => {
  it('writes the same bytes as kafkajs, where kafkajs can write them', async () => {
    const plain = parts.map(({ headers, ...rest }) => ({
      ...rest,
      headers: [...new Map(headers.map(([header, value]) => [`h${header}`, value ?? Buffer.alloc(0)]))],
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 20 }), async (batch) => {
        const records = batch.map(recordOf);
        const times = records.map(({ sentAtMs }) => sentAtMs);
        const [first = 0] = times;
        const theirs = await theirBatch({
          ...identity,
          producerEpoch: identity.epoch,
          firstTimestamp: first,
          maxTimestamp: Math.max(...times),
          partitionLeaderEpoch: -1,
          lastOffsetDelta: batch.length - 1,
          records: batch.map(({ key, value, headers }, offsetDelta) =>
            theirRecord({
              offsetDelta,
              timestampDelta: (times[offsetDelta] ?? 0) - first,
              key,
              value,
              headers: Object.fromEntries(headers),
            }),
          ),
        });
        expect(encodeRecordBatch(records, identity, 'none').toString('hex')).toBe(theirs.buffer.toString('hex'));
      }),
    );
  });

  it.each(codecs)('loses nothing on the way to our decoder (%s)', (compression) => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 40 }), (batch) => {
        expect(decode(encodeRecordBatch(batch.map(recordOf), identity, compression))).toEqual(batch);
      }),
      { numRuns: 30 },
    );
  });

  it.each(codecs)('makes many alike records small, and says how (%s)', (compression) => {
    const batch = Array.from({ length: 400 }, (_, index) => ({
      delta: index % 7,
      key: Buffer.from(`key ${index % 50}`),
      value: Buffer.from(JSON.stringify({ orderId: index, status: 'placed', note: 'tide '.repeat(index % 40) })),
      headers: [],
    }));
    const plain = encodeRecordBatch(batch.map(recordOf), identity, 'none');
    const encoded = encodeRecordBatch(batch.map(recordOf), identity, compression);
    expect(decode(encoded)).toEqual(batch);
    expect(encoded.readInt16BE(21)).toBe(codecNumbers[compression]);
    if (compression !== 'none') expect(encoded.length).toBeLessThan(plain.length / 4);
  });

  it.each(codecs)('leaves a batch as it is when compression makes it no smaller (%s)', (compression) => {
    const [tiny] = [{ delta: 0, key: null, value: Buffer.from([1, 2]), headers: [] }];
    expect(encodeRecordBatch([recordOf(tiny)], identity, compression).readInt16BE(21)).toBe(0);
  });

  it('keeps a record whose clock jumped within what its field holds', () => {
    const far = [0, 2 ** 40, -(2 ** 40)].map((delta) => ({ delta, key: null, value: null, headers: [] }));
    const limit = 2 ** 30 - 1;
    expect(decode(encodeRecordBatch(far.map(recordOf), identity, 'none')).map(({ delta }) => delta)).toEqual([
      0,
      limit,
      -limit,
    ]);
  });
});
