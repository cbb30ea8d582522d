import { AppError } from '@tidegate/errors';
import { partitionOfKey, type Producer, type ProducerRecord, type RangeReader } from '@tidegate/kafka';
import type { KafkaMessage } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBench, readAll, until, valueOf } from './support/kafka-bench';

/** A batch around one record with a key of one byte and a value of this size. */
const overheadBytes = 73;

const codeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'rejected' ? AppError.from(result.reason).code : 'ok';

describe('producing to Kafka', () => {
  let bench: KafkaBench;
  let producer: Producer;
  let reader: RangeReader;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    producer = bench.producer();
    reader = bench.reader();
  });

  afterAll(() => bench.stop());

  it('acknowledges what can be read, at the place that it names', async () => {
    const topic = await bench.topic(3);
    const values = Array.from({ length: 2_000 }, (_, index) => String(index).padEnd(200));
    const places = await Promise.all(values.map((value) => producer.send({ topic, key: null, value })));
    const records = await readAll(reader, topic);
    const at = new Map(records.map((record) => [`${record.partition}/${record.offset}`, valueOf(record)]));
    expect(places.map(({ partition, offset }) => at.get(`${partition}/${offset}`))).toEqual(values);
    expect(new Set(places.map(({ partition }) => partition)).size).toBe(3);
  });

  it('puts a key where Java puts it and keeps its order', async () => {
    const topic = await bench.topic(6);
    const sends = Array.from({ length: 600 }, (_, index) => ({ topic, key: `k${index % 20}`, value: String(index) }));
    await Promise.all(sends.map((record) => producer.send(record)));
    const last = new Map<string, number>();
    for (const record of await readAll(reader, topic)) {
      const key = String(record.key);
      expect(record.partition).toBe(partitionOfKey(Buffer.from(key), 6));
      expect(Number(record.value)).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, Number(record.value));
    }
    expect(last.size).toBe(20);
  });

  it('keeps tombstones and empty values apart', async () => {
    const topic = await bench.topic(1);
    await producer.send({ topic, key: 'id', value: null });
    await producer.send({ topic, key: Buffer.alloc(0), value: '' });
    const [tombstone, empty] = await readAll(reader, topic);
    expect([tombstone?.value, empty?.value, empty?.key]).toEqual([null, Buffer.alloc(0), Buffer.alloc(0)]);
  });

  it('keeps headers that are null, binary, repeated, without a name or named __proto__, for our reader and for kafkajs', async () => {
    const topic = await bench.topic(1);
    const binary = Buffer.from([0x00, 0xff, 0x80]);
    const headers = [
      ['h', 'a'],
      ['h', null],
      ['binary', binary],
      ['h', 'ö'],
      ['', ''],
      ['__proto__', 'p'],
    ] as const;
    await producer.send({ topic, key: null, value: 'listed', headers });
    await producer.send({ topic, key: null, value: 'named', headers: { binary, nothing: null, text: 'ö' } });
    const [listed, named] = await readAll(reader, topic);
    const bytesOf = (value: string | Buffer | null): Buffer | null =>
      typeof value === 'string' ? Buffer.from(value) : value;
    expect(listed?.headers()).toEqual(headers.map(([name, value]) => [name, bytesOf(value)]));
    expect(named?.headers()).toEqual([
      ['binary', binary],
      ['nothing', null],
      ['text', Buffer.from('ö')],
    ]);
    const [theirs] = await readWithKafkaJs(bench, topic, 2);
    expect(theirs?.headers?.['h']).toEqual([Buffer.from('a'), null, Buffer.from('ö')]);
    expect(theirs?.headers?.['binary']).toEqual(binary);
    expect(Object.keys(theirs?.headers ?? {})).toEqual(['h', 'binary', '', '__proto__']);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'compresses with %s so that Java and we can read it',
    async (compression) => {
      const compressing = bench.producer({ compression });
      // The broker takes the batches for the second topic apart and stores them plain: what is read there is what Java read.
      const topics = [await bench.topic(1), await bench.topic(1, { 'compression.type': 'uncompressed' })];
      const records = Array.from({ length: 2_000 }, (_, index) => ({
        key: index % 3 === 0 ? null : `key ${index % 100}`,
        value: index % 10 === 0 ? null : JSON.stringify({ index, status: 'placed', note: 'tide '.repeat(index % 50) }),
        headers: [['n', String(index)]] as const,
      }));
      for (const topic of topics) {
        await Promise.all(records.map((record) => compressing.send({ topic, ...record })));
        const read = await readAll(reader, topic);
        expect(read.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual(
          records.map(({ key, value }) => [key, value]),
        );
        expect(String(read.at(-1)?.headers()[0]?.[1])).toBe('1999');
      }
    },
  );

  it('gives a group of kafkajs what it wrote with gzip', async () => {
    const topic = await bench.topic(1);
    await bench.producer({ compression: 'gzip' }).send({ topic, key: 'k', value: 'tide '.repeat(100) });
    const [read] = await readWithKafkaJs(bench, topic, 1);
    expect([String(read?.key), String(read?.value)]).toEqual(['k', 'tide '.repeat(100)]);
  });

  it('fails the bad records among fifty senders alone, and takes the largest that the topic does', async () => {
    const topic = await bench.topic(3, { 'max.message.bytes': '20000' });
    const largest = 'x'.repeat(20_000 - overheadBytes);
    const bad: ProducerRecord[] = [
      { topic, key: 'a', value: `${largest}x` },
      { topic, key: 'a', value: 'x', headers: [[null as unknown as string, 'a header without a name']] },
      { topic, key: 'a', value: 'x', partition: 99 },
    ];
    const good = Array.from({ length: 47 }, (_, index) => ({
      topic,
      key: 'a',
      value: index === 20 ? largest : `good ${index}`,
    }));
    const all: ProducerRecord[] = [...good.slice(0, 10), ...bad, ...good.slice(10)];
    const results = await Promise.allSettled(all.map((record) => producer.send(record)));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.map(codeOf)).toEqual(['too_large', 'invalid_argument', 'not_found']);
    expect((await readAll(reader, topic)).map(valueOf)).toEqual(good.map(({ value }) => value));
  });

  it('splits a batch that the topic finds too large', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': '5000' });
    const values = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(500)}`);
    await Promise.all(values.map((value) => producer.send({ topic, key: null, value })));
    expect((await readAll(reader, topic)).map(valueOf)).toEqual(values);
  });

  it('fails a record that a compacted topic refuses alone', async () => {
    const topic = await bench.topic(1, { 'cleanup.policy': 'compact' });
    const results = await Promise.allSettled([
      producer.send({ topic, key: 'a', value: '1' }),
      producer.send({ topic, key: null, value: 'no key' }),
      producer.send({ topic, key: 'b', value: '2' }),
    ]);
    expect(results.map(codeOf)).toEqual(['ok', 'invalid_argument', 'ok']);
  });

  it('does not find a topic that there is not, and does not make it', async () => {
    await expect(producer.send({ topic: 'nowhere', key: null, value: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await bench.admin.listTopics()).not.toContain('nowhere');
  });

  it('goes on with other topics, old and new, when one is deleted', async () => {
    const [deleted, other] = [await bench.topic(1), await bench.topic(1)];
    await producer.send({ topic: deleted, key: null, value: 'x' });
    await producer.send({ topic: other, key: null, value: 'x' });
    await bench.deleteTopic(deleted);
    const sends = [deleted, other, await bench.topic(1)].map((topic) =>
      producer.send({ topic, key: null, value: 'x' }),
    );
    expect((await Promise.allSettled(sends)).map(codeOf)).toEqual(['not_found', 'ok', 'ok']);
    await bench.createTopic(deleted, 1);
    await until('the topic that was made again takes records', () =>
      producer.send({ topic: deleted, key: null, value: 'again' }).then(
        () => true,
        () => false,
      ),
    );
  });

  it('flushes on close and takes nothing afterwards', async () => {
    const topic = await bench.topic(1);
    const closing = bench.producer();
    const sends = Array.from({ length: 1_000 }, (_, index) => closing.send({ topic, key: null, value: String(index) }));
    await closing.close();
    expect((await Promise.allSettled(sends)).every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await readAll(reader, topic)).toHaveLength(1_000);
    await expect(closing.send({ topic, key: null, value: 'x' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is bounded by bytes', async () => {
    const topic = await bench.topic(1);
    const small = bench.producer({ maxQueueBytes: 10_000 });
    const sends = Array.from({ length: 12 }, () => small.send({ topic, key: null, value: 'x'.repeat(964) }));
    const codes = (await Promise.allSettled(sends)).map(codeOf);
    expect(codes).toEqual([...Array<string>(10).fill('ok'), 'unavailable', 'unavailable']);
    await small.send({ topic, key: null, value: 'x'.repeat(964) });
  });

  describe('while the broker is frozen', () => {
    it('leaves the outcome open for what was in flight, and never writes what it called unavailable', async () => {
      const topic = await bench.topic(1);
      const impatient = bench.producer({ timeoutMs: 1_500 });
      await impatient.send({ topic, key: null, value: 'before' });
      await bench.node.pause();
      const inFlight = impatient.send({ topic, key: null, value: 'in flight' });
      await sleep(100);
      const queued = Array.from({ length: 5 }, (_, index) =>
        impatient.send({ topic, key: null, value: `queued ${index}` }),
      );
      const results = await Promise.allSettled([inFlight, ...queued]);
      await bench.node.resume();
      expect(results[0]).toMatchObject({ reason: { code: 'timeout', outcome: 'unknown' } });
      expect(results.slice(1).map(codeOf)).toEqual(Array<string>(5).fill('unavailable'));
      await until('it writes again', () =>
        impatient.send({ topic, key: null, value: 'after' }).then(
          () => true,
          () => false,
        ),
      );
      const values = (await readAll(reader, topic)).map(valueOf);
      expect(values.filter((value) => value.startsWith('queued'))).toEqual([]);
    });
  });

  describe('while the broker is away', () => {
    it('is unavailable by the deadline and writes none of it later; what waits long enough is written', async () => {
      const topic = await bench.topic(1);
      await producer.send({ topic, key: null, value: 'before' });
      await bench.node.kill();
      // The connection's end may reach us only now.
      await sleep(200);
      const startedAtMs = Date.now();
      const early = bench.producer({ timeoutMs: 1_000 });
      const results = await Promise.allSettled(
        [producer, early].map((sender) => sender.send({ topic, key: null, value: 'given up' }, { timeoutMs: 1_000 })),
      );
      expect(results.map(codeOf)).toEqual(['unavailable', 'unavailable']);
      expect(Date.now() - startedAtMs).toBeLessThan(2_000);
      expect(await producer.check()).toMatchObject({ ok: false });

      const waiting = [producer, early].map((sender) =>
        sender.send({ topic, key: null, value: 'waited' }, { timeoutMs: 30_000 }),
      );
      await bench.node.restart();
      await Promise.all(waiting);
      expect((await readAll(reader, topic)).map(valueOf)).toEqual(['before', 'waited', 'waited']);
      expect(await producer.check()).toEqual({ ok: true });
    });
  });
});

async function readWithKafkaJs({ kafka }: KafkaBench, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `reads-${topic}`, maxWaitTimeInMs: 100 });
  const messages: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      messages.push(message);
      return Promise.resolve();
    },
  });
  await until('kafkajs has read all', () => messages.length >= count);
  await consumer.disconnect();
  return messages;
}
