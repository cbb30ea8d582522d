import { AppError, type ErrorCode } from '@tidegate/errors';
import type { Producer, Tail, TailPool } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { Heard, KafkaBench, until } from './support/kafka-bench';

describe('tailing Kafka', () => {
  let bench: KafkaBench;
  let pool: TailPool;
  let producer: Producer;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    pool = bench.pool();
    producer = bench.producer();
  });

  afterAll(() => bench.stop());

  const follow = async (topic: string): Promise<{ heard: Heard; tail: Tail }> => {
    const heard = new Heard();
    return { heard, tail: await pool.open(topic, heard) };
  };

  const write = (topic: string, values: string[], partition = 0) =>
    Promise.all(values.map((value) => producer.send({ topic, key: null, value, partition })));

  it('hears everything from now on, in order, and nothing from before', async () => {
    const topic = await bench.topic(2);
    await write(topic, ['before'], 1);
    const { heard, tail } = await follow(topic);
    expect(tail.partitions()).toEqual([
      { partition: 0, startOffset: 0n, logStart: 0n },
      { partition: 1, startOffset: 1n, logStart: 0n },
    ]);
    const values = Array.from({ length: 500 }, (_, index) => String(index));
    await write(topic, values, 1);
    await until('all records', () => heard.records.length === values.length);
    expect(heard.values).toEqual(values);
    expect(heard.next.get(1)).toBe(501n);
    await tail.close();
    await write(topic, ['after'], 1);
    await sleep(700);
    expect(heard.values).not.toContain('after');
  });

  it('serves several listeners of one topic, each from where it came in', async () => {
    const topic = await bench.topic(1);
    const first = await follow(topic);
    await write(topic, ['a']);
    await until('the first', () => first.heard.values.includes('a'));
    const second = await follow(topic);
    expect(second.tail.partitions()[0]?.startOffset).toBe(1n);
    await first.tail.close();
    await write(topic, ['b']);
    await until('the second', () => second.heard.values.includes('b'));
    expect([first.heard.values, second.heard.values]).toEqual([['a'], ['b']]);
  });

  it('passes aborted transactions and markers over, and says that it moved', async () => {
    const topic = await bench.topic(1);
    const { heard } = await follow(topic);
    const transactional = bench.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await transactional.connect();
    const aborted = await transactional.transaction();
    await aborted.send({ topic, messages: [{ value: 'x' }, { value: 'y' }] });
    await aborted.abort();
    await until('the marker', () => heard.next.get(0) === 3n);
    expect(heard.records).toEqual([]);
    const committed = await transactional.transaction();
    await committed.send({ topic, messages: [{ value: 'z' }] });
    await sleep(300);
    expect(heard.values).toEqual([]);
    await committed.commit();
    await until('the committed record', () => heard.next.get(0) === 5n);
    expect(heard.values).toEqual(['z']);
    await transactional.disconnect();
  });

  it('finds new partitions within 10 s and reads them from their first record', async () => {
    const topic = await bench.topic(1);
    const { heard } = await follow(topic);
    await bench.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const values = Array.from({ length: 30 }, (_, index) => `k${index}`);
    const late = bench.producer();
    await Promise.all(values.map((value) => late.send({ topic, key: value, value })));
    await until('all of them', () => heard.records.length === 30, 10_000);
    expect([...heard.values].sort()).toEqual([...values].sort());
    expect(heard.events.sort()).toEqual(['added 1 0', 'added 2 0']);
  });

  it('starts over when its topic is made again, while another topic goes on', async () => {
    const [topic, other] = [await bench.topic(1), await bench.topic(1)];
    const [{ heard, tail }, { heard: heardOther }] = [await follow(topic), await follow(other)];
    const before = tail.topicId;
    await write(topic, ['old']);
    await until('the old record', () => heard.values.includes('old'));
    await bench.deleteTopic(topic);
    await bench.createTopic(topic, 1);
    // More than the old topic had, so that the old position lies in the new log.
    await write(topic, ['new 1', 'new 2', 'new 3']);
    await write(other, ['undisturbed']);
    await until('the new records', () => heard.records.length === 4);
    expect(heard.values).toEqual(['old', 'new 1', 'new 2', 'new 3']);
    expect(heard.events.filter((event) => event !== 'deleted')).toEqual(['recreated 0 0']);
    expect(tail.topicId).not.toBe(before);
    await until('the other topic', () => heardOther.values.includes('undisturbed'));
    expect(heardOther.events).toEqual([]);
  });

  it('says once that a topic is gone, and goes on with the others', async () => {
    const [topic, other] = [await bench.topic(1), await bench.topic(1)];
    const [{ heard }, { heard: heardOther }] = [await follow(topic), await follow(other)];
    await bench.deleteTopic(topic);
    await until('the end', () => heard.events.includes('deleted'));
    await write(other, ['still here']);
    await until('the other topic', () => heardOther.values.includes('still here'));
    await sleep(1_500);
    expect(heard.events).toEqual(['deleted']);
    const refusal = await pool.open(topic, new Heard()).catch((error: unknown) => AppError.from(error).code);
    expect(refusal).toBe<ErrorCode>('not_found');
  });

  it('stays where it is when retention takes what it has already read', async () => {
    const topic = await bench.topic(1);
    const { heard } = await follow(topic);
    await write(topic, ['a', 'b', 'c']);
    await until('all records', () => heard.records.length === 3);
    await bench.deleteBefore(topic, 3);
    await write(topic, ['d']);
    await until('the next record', () => heard.values.includes('d'));
    expect(heard.events).toEqual([]);
  });

  it('says that there is a gap when the log loses what it has not read yet, and goes on behind it', async () => {
    const topic = await bench.topic(1);
    const { heard } = await follow(topic);
    const transactional = bench.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await transactional.connect();
    // An open transaction holds the tail back for as long as the log takes to lose it.
    const open = await transactional.transaction();
    await open.send({ topic, messages: [{ value: 'held back' }] });
    await write(topic, ['behind it']);
    await bench.deleteBefore(topic, 2);
    await until('the gap', () => heard.events.length > 0);
    await open.abort();
    await write(topic, ['after']);
    await until('what comes after', () => heard.values.includes('after'));
    expect([heard.events, heard.values]).toEqual([['retention 0 2'], ['after']]);
    await transactional.disconnect();
  });

  it('does not find a topic that there is not', async () => {
    await expect(pool.open('nowhere', new Heard())).rejects.toMatchObject({ code: 'not_found' });
  });
});
