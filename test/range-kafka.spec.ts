import type { RangeReader } from '@tidegate/kafka';
import { OffsetOutOfRange } from '@tidegate/kafka';
import { KafkaBench, readAll, until, valueOf } from './support/kafka-bench';

describe('reading a range from Kafka', () => {
  let bench: KafkaBench;
  let reader: RangeReader;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    reader = bench.reader();
  });

  afterAll(() => bench.stop());

  const write = async (topic: string, values: string[], partition = 0): Promise<void> => {
    const producer = bench.producer();
    await Promise.all(values.map((value) => producer.send({ topic, key: null, value, partition })));
  };

  it('reads from any offset, and is empty at the end', async () => {
    const topic = await bench.topic(2);
    await write(topic, ['a', 'b', 'c'], 1);
    const range = await reader.readRange(topic, 1, 1n, 1_000_000);
    expect(range.records.map(valueOf)).toEqual(['b', 'c']);
    expect(range).toMatchObject({ next: 3n, highWatermark: 3n, lastStable: 3n, logStart: 0n });
    expect(range.records[0]).toMatchObject({ topic, partition: 1, offset: 1n, key: null });
    expect(await reader.readRange(topic, 1, 3n, 1_000_000)).toMatchObject({ records: [], next: 3n });
    expect(await reader.readRange(topic, 0, 0n, 1_000_000)).toMatchObject({ records: [], next: 0n });
  });

  it('gives at least one batch however small the limit', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['x'.repeat(10_000)]);
    expect((await reader.readRange(topic, 0, 0n, 1)).records).toHaveLength(1);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('reads what a broker compressed with %s', async (codec) => {
    const topic = await bench.topic(1, { 'compression.type': codec });
    const values = Array.from({ length: 300 }, (_, index) => `${index} ${'tide '.repeat(index)}`);
    await write(topic, values);
    expect((await readAll(reader, topic)).map(valueOf)).toEqual(values);
  });

  it('sees committed transactions only; an open one holds back its own partition and no other', async () => {
    const topic = await bench.topic(2);
    const producer = bench.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const send = async (values: string[], end: 'commit' | 'abort' | 'leave open') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
      if (end !== 'leave open') await transaction[end]();
      return transaction;
    };
    await send(['a1', 'a2', 'a3', 'a4', 'a5'], 'abort');
    await send(['c1', 'c2', 'c3', 'c4', 'c5'], 'commit');
    const open = await send(['o1', 'o2', 'o3'], 'leave open');
    await write(topic, ['held back'], 0);
    await write(topic, ['free'], 1);

    const range = await reader.readRange(topic, 0, 0n, 1_000_000);
    expect(range.records.map(valueOf)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
    expect(range).toMatchObject({ next: 12n, lastStable: 12n, highWatermark: 16n });
    expect((await reader.readRange(topic, 0, 3n, 1_000_000)).records.map(valueOf)).toEqual([
      'c1',
      'c2',
      'c3',
      'c4',
      'c5',
    ]);
    expect(await reader.readRange(topic, 0, 14n, 1_000_000)).toMatchObject({ records: [], next: 14n });
    expect(await reader.offsets(topic, 'latest')).toEqual([12n, 1n]);
    expect((await reader.readRange(topic, 1, 0n, 1_000_000)).records.map(valueOf)).toEqual(['free']);

    await open.commit();
    await until(
      'the open transaction ends',
      async () => (await reader.readRange(topic, 0, 12n, 1_000_000)).next === 17n,
    );
    const rest = await reader.readRange(topic, 0, 12n, 1_000_000);
    expect(rest.records.map(valueOf)).toEqual(['o1', 'o2', 'o3', 'held back']);
    await producer.disconnect();
  });

  it('says whether an offset is behind a gap or the log was rewound, with what there is', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['a', 'b', 'c', 'd']);
    await bench.deleteBefore(topic, 3);
    const failure = (from: bigint) => reader.readRange(topic, 0, from, 1_000).catch((error: unknown) => error);
    expect(await failure(1n)).toBeInstanceOf(OffsetOutOfRange);
    expect(await failure(1n)).toMatchObject({ kind: 'gap', logStart: 3n, end: 4n });
    expect(await failure(500n)).toMatchObject({ kind: 'rewound', logStart: 3n, end: 4n });
    expect((await reader.readRange(topic, 0, 3n, 1_000)).records.map(valueOf)).toEqual(['d']);
    expect(await reader.offsets(topic, 'earliest')).toEqual([3n]);
  });

  it('finds offsets by time, and the end for a time behind the last record', async () => {
    const topic = await bench.topic(2);
    const producer = bench.kafka.producer();
    await producer.connect();
    const messages = [1_000, 2_000, 3_000].map((time) => ({ value: 'x', partition: 0, timestamp: String(time) }));
    await producer.send({ topic, messages });
    await producer.disconnect();
    expect(await reader.offsets(topic, 1_500)).toEqual([1n, 0n]);
    expect(await reader.offsets(topic, 2_000)).toEqual([1n, 0n]);
    expect(await reader.offsets(topic, 4_000)).toEqual([3n, 0n]);
  });

  it('tells a topic that was made again by its id', async () => {
    const topic = await bench.topic(1);
    const before = await reader.topic(topic);
    await bench.deleteTopic(topic);
    await bench.createTopic(topic, 3);
    await until('the new topic is seen', async () => (await reader.topic(topic)).topicId !== before.topicId);
    expect(await reader.topic(topic)).toMatchObject({ partitions: 3 });
  });

  it('reads a partition that was added a moment ago', async () => {
    const topic = await bench.topic(1);
    expect(await reader.topic(topic)).toMatchObject({ partitions: 1 });
    await bench.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    // The broker itself needs a moment to know.
    const readable = () =>
      reader.readRange(topic, 1, 0n, 1_000).then(
        () => true,
        () => false,
      );
    await until('the partition is readable', readable, 2_000);
  });

  it('does not find a topic or partition that there is not', async () => {
    const topic = await bench.topic(1);
    await expect(reader.readRange('nowhere', 0, 0n, 1_000)).rejects.toMatchObject({ code: 'not_found' });
    await expect(reader.readRange(topic, 99, 0n, 1_000)).rejects.toMatchObject({ code: 'not_found' });
    await expect(reader.topic('nowhere')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is unavailable in bounded time while the broker is away or frozen, and reads again when it is back', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['a']);
    const quick = bench.reader({ timeoutMs: 1_500 });
    expect((await quick.readRange(topic, 0, 0n, 1_000)).records).toHaveLength(1);
    for (const [take, giveBack] of [
      ['pause', 'resume'],
      ['kill', 'restart'],
    ] as const) {
      await bench.node[take]();
      const startedAtMs = Date.now();
      await expect(quick.readRange(topic, 0, 0n, 1_000)).rejects.toMatchObject({ code: 'unavailable' });
      expect(Date.now() - startedAtMs).toBeLessThan(5_000);
      await bench.node[giveBack]();
      await until('the reader is back', () =>
        quick.readRange(topic, 0, 0n, 1_000).then(
          () => true,
          () => false,
        ),
      );
      expect(await quick.check()).toEqual({ ok: true });
    }
  });
});
