import { javaBatches, javaTransactions } from './golden-batches.fixture';
import { decodeRecordSet, type DecodedRecords } from './record-batch';
import { encodeHeaders, encodeRecordBatch } from './record-batch-encoder';

const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64');
const at = { leaderEpoch: 12, producerId: 43, epoch: 51, firstSequence: 53 };

function decode(bytes: Buffer, aborted: { producerId: bigint; firstOffset: bigint }[] = [], from = 0n): DecodedRecords {
  const decoded = decodeRecordSet(bytes, { topic: 't', partition: 0, from, aborted, maxInflatedBytes: 1_000_000 });
  expect(decoded.corrupt).toBeUndefined();
  return decoded;
}

const texts = ({ records }: DecodedRecords): unknown[] =>
  records.map((record) => [
    record.key?.toString() ?? null,
    record.value?.toString() ?? null,
    record.headers().map(([name, value]) => [name, value?.toString() ?? null]),
  ]);

describe("batches that Java's client wrote", () => {
  it.each(Object.entries(javaBatches))('are read with every null, empty and repeated part (%s)', (_, base64) => {
    const decoded = decode(bytesOf(base64));
    const note = `${'tide '.repeat(20)}gate`;
    expect(texts(decoded)).toEqual([
      [
        'order-1',
        `{"orderId":"order-1","status":"placed","note":"${note}"}`,
        [
          ['trace', '7f3a'],
          ['trace', '9b01'],
          ['empty', ''],
          ['nothing', null],
        ],
      ],
      [null, 'no key', [['h', 'ö']]],
      ['order-2', null, [['h', 'x']]],
      ['', '', [['h', '']]],
      [null, null, []],
    ]);
    expect(decoded.records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(decoded.next).toBe(5n);
  });

  it('are what our encoder writes for the same records, to the byte', () => {
    const java = bytesOf(javaBatches.none);
    // The broker puts its epoch in, outside what the checksum covers.
    java.writeInt32BE(-1, at.leaderEpoch);
    const records = decode(java).records.map((record) => {
      const headers = record.headers().map(([name, value]) => [Buffer.from(name), value] as const);
      const { key, value, timestampMs: sentAtMs } = record;
      return { sentAtMs, key, value, headers: headers.length > 0 ? encodeHeaders(headers) : undefined };
    });
    const identity = {
      producerId: java.readBigInt64BE(at.producerId),
      epoch: java.readInt16BE(at.epoch),
      firstSequence: java.readInt32BE(at.firstSequence),
    };
    expect(encodeRecordBatch(records, identity, 'none').toString('base64')).toBe(java.toString('base64'));
  });

  it('show a committed transaction and nothing of an aborted one, wherever reading starts', () => {
    const log = Buffer.concat(javaTransactions.map(bytesOf));
    const aborted = [{ producerId: log.readBigInt64BE(at.producerId), firstOffset: 0n }];
    for (const from of [0n, 1n, 2n]) {
      const decoded = decode(log, aborted, from);
      expect(decoded.records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
        [3n, 'kept'],
        [4n, 'kept'],
        [5n, 'kept'],
      ]);
      expect(decoded.next).toBe(7n);
    }
  });

  it('would show what was aborted to whoever does not know of it', () => {
    const { records } = decode(Buffer.concat(javaTransactions.map(bytesOf)));
    expect(records.map(({ value }) => value?.toString())).toEqual(['lost', 'lost', 'kept', 'kept', 'kept']);
  });
});
