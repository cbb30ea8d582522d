import { partitionOfKey, type KafkaRecord, type RangeReader } from '@tidegate/kafka';
import { JavaTools, type JavaRecord } from './support/java-tools';
import { Heard, KafkaBench, readAll, until, valueOf } from './support/kafka-bench';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const partitions = 3;

function recordsOf(codec: string): JavaRecord[] {
  const keyed = Array.from({ length: 20 }, (_, index): JavaRecord => {
    const value = `{"codec":"${codec}","note":"${'tide '.repeat(index)}"}`;
    return { headers: [['index', String(index)]], key: `key ö ${index}`, value };
  });
  return [
    ...keyed,
    { headers: [], key: `${codec} deleted`, value: null },
    { headers: [], key: null, value: `${codec} without a key` },
    { headers: [], key: null, value: null },
    { headers: [['no', null]], key: `${codec} null header`, value: '' },
    {
      headers: [
        ['trace', 'a'],
        ['trace', 'b'],
        ['empty', ''],
      ],
      key: '',
      value: `${codec} repeated headers`,
    },
  ];
}

function seen(records: readonly KafkaRecord[]): JavaRecord[] {
  const text = (bytes: Buffer | null): string | null => bytes?.toString() ?? null;
  return records.map((record) => ({
    headers: record.headers().map(([name, value]) => [name, text(value)]),
    key: text(record.key),
    value: text(record.value),
  }));
}

/** Between partitions there is no order. */
function sorted<T>(records: readonly T[]): T[] {
  return [...records].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe("beside Java's client", () => {
  let bench: KafkaBench;
  let java: JavaTools;
  let reader: RangeReader;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    java = new JavaTools(bench.cluster.brokers);
    reader = bench.reader();
  });

  afterAll(async () => {
    java.stop();
    await bench.stop();
  });

  const follow = async (topic: string): Promise<Heard> => {
    const heard = new Heard();
    await bench.pool().open(topic, heard);
    return heard;
  };

  it('reads what it writes, with all codecs, nulls and headers, and finds keys where it puts them', async () => {
    const reads = codecs.map(async (codec) => {
      const topic = await bench.topic(partitions);
      const heard = await follow(topic);
      const expected = recordsOf(codec);
      await java.write(topic, expected, codec);
      await until(`the tail of ${codec}`, () => heard.records.length >= expected.length);
      const read = await readAll(reader, topic);
      expect(sorted(seen(read))).toEqual(sorted(expected));
      expect(sorted(seen(heard.records))).toEqual(sorted(expected));
      for (const { key, partition } of read) if (key) expect(partition).toBe(partitionOfKey(key, partitions));
    });
    await Promise.all(reads);
  }, 120_000);

  it('writes what it reads, with all codecs, at the same offsets', async () => {
    const topics = await Promise.all(codecs.map(() => bench.topic(partitions)));
    const written = codecs.map(async (compression, index) => {
      const producer = bench.producer({ compression });
      const sends = recordsOf(compression).map(async (record) => {
        const { partition, offset } = await producer.send({ topic: topics[index] as string, ...record });
        return { partition, offset, ...record };
      });
      return Promise.all(sends);
    });
    const expected = (await Promise.all(written)).flat();
    expect(sorted(await java.read(topics.join('|'), expected.length))).toEqual(sorted(expected));
  }, 120_000);

  it('shows each record of its committed transactions once, and none of those that it aborted', async () => {
    const [input, output] = await Promise.all([bench.topic(1), bench.topic(1)]);
    const heard = await follow(output);
    const values = Array.from({ length: 200 }, (_, index) => `record ${index}`);
    const producer = bench.producer();
    await Promise.all(values.map((value) => producer.send({ topic: input, key: value, value })));
    const transactionSize = 5;
    await java.copyWithAborts(input, output, transactionSize);
    await until('the tail has them all', () => heard.records.length >= values.length);
    expect(heard.values).toEqual(values);
    expect((await readAll(reader, output)).map(valueOf)).toEqual(values);
    // Of forty transactions with a marker each a third is tried again.
    const markers = BigInt(values.length / transactionSize);
    expect(heard.next.get(0)).toBeGreaterThan(BigInt(values.length) + markers);
  }, 120_000);

  const endings: [
    how: string,
    end: (topic: string, partition: number, start: bigint) => Promise<void>,
    kept: string[],
  ][] = [
    [
      'starts again',
      (topic) => java.commit({ topic, transactionalId: topic, value: 'kept', records: 3, recordsPerSecond: -1 }),
      ['kept', 'kept', 'kept'],
    ],
    ['was aborted by an operator', (topic, partition, start) => java.abort(topic, partition, start), []],
  ];

  it.each(endings)(
    'holds back one partition behind a killed producer, until that %s',
    async (_, end) => {
      const topic = await bench.topic(2);
      const heard = await follow(topic);
      const transaction = { topic, transactionalId: topic, value: 'lost', records: 100_000, recordsPerSecond: 50 };
      const open = await java.begin(transaction);
      const holding = async (): Promise<number> => {
        const ranges = await Promise.all([0, 1].map((partition) => reader.readRange(topic, partition, 0n, 1_000_000)));
        return ranges.findIndex(({ highWatermark, lastStable }) => highWatermark > lastStable);
      };
      await until('the transaction has records', async () => (await holding()) >= 0);
      await open.kill();
      const held = await holding();
      const free = 1 - held;

      const producer = bench.producer();
      const behind = await producer.send({ topic, key: null, value: 'behind', partition: held });
      await producer.send({ topic, key: null, value: 'free', partition: free });
      await until('the free partition goes on', () => heard.values.includes('free'));
      expect(await reader.readRange(topic, held, 0n, 1_000_000)).toMatchObject({
        records: [],
        next: 0n,
        lastStable: 0n,
      });
      expect(await reader.offsets(topic, 'latest')).toEqual(held === 0 ? [0n, 1n] : [1n, 0n]);
      expect(heard.values).toEqual(['free']);

      await end(topic, held, 0n);
      await until('the held partition goes on', () => heard.values.includes('behind'));
      const range = await reader.readRange(topic, held, 0n, 1_000_000);
      expect(range.records[0]).toMatchObject({ offset: BigInt(behind.offset) });
      const read = (await readAll(reader, topic)).map(valueOf);
      await until('the tail has them all', () => heard.records.length >= read.length);
      expect(sorted(heard.values)).toEqual(sorted(read));
    },
    120_000,
  );
});
