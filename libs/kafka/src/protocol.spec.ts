import fc from 'fast-check';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { MalformedBytes } from './errors';
import { decodeFetch, encodeFetch } from './fetch';
import { decodeInitProducerId } from './init-producer-id';
import { decodeListOffsets } from './list-offsets';
import { fetchAnswer as divergingAnswer } from './log.fixture';
import { decodeMetadata, encodeMetadata, topicIdBytes } from './metadata';
import { decodeProduce } from './produce';

const topicId = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

/** A fetch of version 13 and an answer to it, with a tagged field that we do not know, as Kafka 4.3's own classes write them. */
const fetchGolden = {
  asked:
    'ffffffff000001f400000001000f42400100000000ffffffff03000102030405060708090a0b0c0d0e0f0300000000ffffffff' +
    '0020000000000001ffffffffffffffffffffffff000000070000000002ffffffff0000000000000000ffffffffffffffffffff' +
    'ffff0000000800000f0e0d0c0b0a090807060504030201000200000001ffffffff0000000000000005ffffffffffffffffffff' +
    'ffff00000009000001087261636b2dc3b600',
  answered:
    '0000000700000000000002000102030405060708090a0b0c0d0e0f020000000400010020000000000001000000000000005a00' +
    '0000000000000a0300000000000000050000000000000046000000000000000005000000000000003c00000000020461626301' +
    '01090000000300000009000000',
} as const;

/** The header's tagged fields come first. */
const fetchAnswer = Buffer.from(`00${fetchGolden.answered}`, 'hex');

function metadataAnswer(internal = 0): Buffer {
  const writer = new ByteWriter().uvarint(0).int32(0);
  writer.compactArray([1], (nodeId) => writer.int32(nodeId).compactString('host').int32(9092).uvarint(0).uvarint(0));
  writer.compactString('cluster').int32(1);
  writer.compactArray(['t'], (name) => {
    writer.int16(0).compactString(name).raw(topicId).int8(internal);
    writer.compactArray([1, 0], (partition) => {
      writer
        .int16(0)
        .int32(partition)
        .int32(partition === 0 ? -1 : 1)
        .int32(0);
      for (const list of [[1, 2], [1], []]) writer.compactArray(list, (node) => writer.int32(node));
      writer.uvarint(0);
    });
    // One tagged field that we do not know, of three bytes.
    writer.int32(0).uvarint(1).uvarint(9).uvarint(3).raw(Buffer.from('xyz'));
  });
  return writer.uvarint(0).finish();
}

function produceAnswer(): Buffer {
  const writer = new ByteWriter();
  writer.array(['t', 'u'], (topic) => {
    writer.string(topic).array([0, 5], (partition) => {
      writer
        .int32(partition)
        .int16(87)
        .int64(2n ** 53n + 1n)
        .int64(-1n)
        .int64(3n);
      writer.array(['no key', null], (reason) => nullableString(writer.int32(7), reason));
      nullableString(writer, 'one is bad');
    });
  });
  return writer.int32(9).finish();
}

function nullableString(writer: ByteWriter, text: string | null): void {
  if (text === null) writer.int16(-1);
  else writer.string(text);
}

const producerIdAnswer = new ByteWriter()
  .int32(0)
  .int16(0)
  .int64(2n ** 60n)
  .int16(4)
  .finish();

const decoders = [
  ['produce', decodeProduce, produceAnswer()],
  ['producer id', decodeInitProducerId, producerIdAnswer],
  ['fetch', decodeFetch, fetchAnswer],
  ['metadata', decodeMetadata, metadataAnswer()],
  ['list offsets', decodeListOffsets, new ByteWriter().int32(0).int32(0).finish()],
] as const;

describe('protocol decoders', () => {
  it('ask for records in the bytes that Java writes', () => {
    const [a, b] = [topicId, Buffer.from(topicId).reverse()].map((id) => id.toString('base64url')) as [string, string];
    const asked = encodeFetch(
      [
        { topicId: a, partition: 0, offset: 9_007_199_254_740_993n, maxBytes: 7 },
        { topicId: b, partition: 1, offset: 5n, maxBytes: 9 },
        { topicId: a, partition: 2, offset: 0n, maxBytes: 8 },
      ],
      { maxWaitMs: 500, minBytes: 1, maxBytes: 1_000_000, rackId: 'rack-ö' },
    );
    expect(asked.toString('hex')).toBe(`00${fetchGolden.asked}`);
    expect(() => topicIdBytes('orders')).toThrow('"orders" is no topic id');
  });

  it('read a fetch', () => {
    expect(decodeFetch(fetchAnswer)).toEqual({
      throttleMs: 7,
      errorCode: 0,
      partitions: [
        {
          topicId: topicId.toString('base64url'),
          partition: 4,
          errorCode: 1,
          highWatermark: 9_007_199_254_740_993n,
          lastStable: 90n,
          logStart: 10n,
          aborted: [
            { producerId: 5n, firstOffset: 70n },
            { producerId: 5n, firstOffset: 60n },
          ],
          preferredReplica: 2,
          records: Buffer.from('abc'),
        },
      ],
    });
  });

  it('say under which leader was read last, and read where the log diverges from that', () => {
    const asked = (position: { lastEpoch?: number }): string => {
      const of = { topicId: topicId.toString('base64url'), partition: 0, offset: 5n, maxBytes: 7, ...position };
      return encodeFetch([of], { maxWaitMs: 1, minBytes: 1, maxBytes: 1, rackId: '' }).toString('hex');
    };
    const known = asked({}).replace('0000000000000005ffffffff', '000000000000000501020304');
    expect(asked({ lastEpoch: 0x01020304 })).toBe(known);
    const [partition] = decodeFetch(divergingAnswer({ divergesAt: 3n })).partitions;
    expect([partition?.divergesAt, partition?.records.length]).toEqual([3n, 0]);
  });

  it('read metadata with partitions in order, and pass over tagged fields', () => {
    expect(decodeMetadata(metadataAnswer())).toEqual({
      throttleMs: 0,
      brokers: [{ nodeId: 1, host: 'host', port: 9092 }],
      topics: [
        {
          errorCode: 0,
          name: 't',
          topicId: topicId.toString('base64url'),
          partitions: [
            { partition: 0, errorCode: 0, leader: -1 },
            { partition: 1, errorCode: 0, leader: 1 },
          ],
        },
      ],
    });
  });

  it('read what became of each partition of a produce request, and of single records', () => {
    const { throttleMs, partitions } = decodeProduce(produceAnswer());
    expect(throttleMs).toBe(9);
    expect(partitions.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual(['t/0', 't/5', 'u/0', 'u/5']);
    expect(partitions[3]).toEqual({
      topic: 'u',
      partition: 5,
      errorCode: 87,
      baseOffset: 9_007_199_254_740_993n,
      recordErrors: [
        { index: 7, message: 'no key' },
        { index: 7, message: null },
      ],
      errorMessage: 'one is bad',
    });
  });

  it('read a producer id', () => {
    const answer = { throttleMs: 0, errorCode: 0, producerId: 2n ** 60n, epoch: 4 };
    expect(decodeInitProducerId(producerIdAnswer)).toEqual(answer);
  });

  it('ask for named topics without creating them', () => {
    const reader = new ByteReader(encodeMetadata(['t']));
    reader.tags();
    const topics = reader.compactArray((each) => [
      each.take(16).equals(Buffer.alloc(16)),
      each.compactString(),
      each.tags(),
    ]);
    expect(topics).toEqual([[true, 't', undefined]]);
    expect([reader.int8(), reader.int8(), reader.uvarint(), reader.left]).toEqual([0, 0, 0, 0]);
  });

  it('ask for all topics, and know which are Kafka’s own', () => {
    const reader = new ByteReader(encodeMetadata('all'));
    reader.tags();
    expect([reader.uvarint(), reader.int8(), reader.int8(), reader.uvarint(), reader.left]).toEqual([0, 0, 0, 0, 0]);
    expect(decodeMetadata(metadataAnswer(1)).topics).toMatchObject([{ name: 't', internal: true }]);
  });

  it.each(decoders)('refuse a %s answer that is cut anywhere', (_, decode, answer) => {
    const needed = answer.length - (decode === decodeMetadata ? 1 : 0);
    for (let length = 0; length < needed; length += 1) {
      expect(() => decode(answer.subarray(0, length))).toThrow(MalformedBytes);
    }
  });

  it.each(decoders)('throw nothing but MalformedBytes on hostile bytes for a %s answer', (_, decode, answer) => {
    const changed = fc.tuple(fc.nat({ max: answer.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
      const copy = Buffer.from(answer);
      copy[at] = byte;
      return copy;
    });
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(changed, random), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe(ByteReader.name, () => {
  it('refuses an array that claims more items than there are bytes', () => {
    const claim = new ByteWriter()
      .int32(2 ** 31 - 1)
      .int32(0)
      .finish();
    expect(() => new ByteReader(claim).array((reader) => reader.int8())).toThrow('claims 2147483647 items');
  });

  it('refuses a varint of more than 5 bytes and a varlong of more than 10', () => {
    const endless = Buffer.alloc(20, 0xff);
    expect(() => new ByteReader(endless).varint()).toThrow(MalformedBytes);
    expect(() => new ByteReader(endless).varlong()).toThrow(MalformedBytes);
  });
});
