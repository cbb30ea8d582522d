import { AppError } from '@tidegate/errors';
import type { RangeRead, RangeReader } from '@tidegate/kafka';
import { OffsetOutOfRange, TopicRecreated } from '@tidegate/kafka';
import { KafkaBench, readAll, until, valueOf } from './support/kafka-bench';

describe('reading a range from Kafka', () => {
  let bench: KafkaBench;
  let reader: RangeReader;

  beforeAll(async () => {
    // As soon as there is something to compact: the default is every 15 s.
    bench = await KafkaBench.start(1, { 'log.cleaner.backoff.ms': 100 });
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

  it('says that there is a gap when the log loses its start under a reader, who goes on behind it', async () => {
    const topic = await bench.topic(1);
    const values = Array.from({ length: 20 }, (_, index) => String(index));
    for (const value of values) await write(topic, [value]);
    const read: string[] = [];
    const gaps: [bigint, bigint][] = [];
    for (let from = 0n; from < 20n;) {
      try {
        const { records, next } = await reader.readRange(topic, 0, from, 1);
        read.push(...records.map(valueOf));
        from = next;
        if (read.length === 5) await bench.deleteBefore(topic, 12);
      } catch (error) {
        if (!(error instanceof OffsetOutOfRange) || error.kind !== 'gap') throw error;
        gaps.push([from, error.logStart]);
        from = error.logStart;
      }
    }
    expect(gaps).toEqual([[5n, 12n]]);
    expect(read).toEqual([...values.slice(0, 5), ...values.slice(12)]);
  });

  it('reads a compacted topic from its start and from inside its holes, to its end and without a gap', async () => {
    const topic = await bench.topic(1, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'segment.ms': '100',
    });
    const producer = bench.producer();
    const send = (key: string, value: string) => producer.send({ topic, key, value });
    const rounds = 20;
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(['a', 'b', 'c'].map((key) => send(key, `${key}${round}`)));
    }
    const lastOfEach = ['a', 'b', 'c'].map((key) => `${key}${rounds - 1}`);
    let written = 3 * rounds;
    await until('the holes are there', async () => {
      // The newest segment is never compacted, and a new one begins with a record only.
      written += 1;
      await send('tick', String(written));
      return (await readAll(reader, topic)).length < 30;
    });
    const end = BigInt(written);
    const all = await readAll(reader, topic);
    expect(all.map(valueOf)).toEqual(expect.arrayContaining(lastOfEach));
    const offsets = all.map(({ offset }) => offset);
    const holes = Array.from({ length: written }, (_, offset) => BigInt(offset)).filter((at) => !offsets.includes(at));
    for (const hole of holes) {
      for (let from = hole; from < end;) {
        const { records, next, highWatermark } = await reader.readRange(topic, 0, from, 1_000_000);
        expect([next > from, highWatermark]).toEqual([true, end]);
        expect(records.every(({ offset }) => offset > hole && offset < next)).toBe(true);
        from = next;
      }
    }
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

  it('never reads a topic that was made again for the one that it was told, however soon', async () => {
    const [topic, other] = [await bench.topic(1), await bench.topic(1)];
    await write(topic, ['old 0', 'old 1', 'old 2']);
    await write(other, ['other']);
    const { topicId } = await reader.topic(topic);
    const outcomes: string[] = [];
    let recreated: unknown;
    const reading = (async () => {
      while (!(recreated instanceof TopicRecreated)) {
        const range = await reader.readRange(topic, 0, 2n, 1_000, { topicId }).catch((error: unknown) => error);
        if (range instanceof TopicRecreated) recreated = range;
        else outcomes.push(...(range instanceof Error ? [AppError.from(range).code] : readValues(range)));
      }
    })();
    await until('the reader reads', () => outcomes.includes('old 2'));
    await bench.deleteTopic(topic);
    await bench.createTopic(topic, 1);
    await write(topic, ['new 0', 'new 1', 'new 2', 'new 3']);
    await reading;

    expect(outcomes).not.toContain('new 2');
    const now = await reader.topic(topic);
    expect(recreated).toMatchObject({ topicId: now.topicId });
    expect(now.topicId).not.toBe(topicId);
    const expected = { records: [{ offset: 2n }, { offset: 3n }], next: 4n };
    expect(await reader.readRange(topic, 0, 2n, 1_000, { topicId: now.topicId })).toMatchObject(expected);
    expect(await reader.readRange(topic, 0, 2n, 1_000)).toMatchObject(expected);
    expect((await reader.readRange(other, 0, 0n, 1_000)).records.map(valueOf)).toEqual(['other']);
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

function readValues(range: unknown): string[] {
  return (range as RangeRead).records.map(valueOf);
}
