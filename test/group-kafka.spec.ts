import { ConsumerGroup, KafkaHealth, type ConsumerGroupSettings, type Producer } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBench, until, valueOf } from './support/kafka-bench';

describe('a consumer group of Kafka', () => {
  let bench: KafkaBench;
  let producer: Producer;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    producer = bench.producer();
  });

  afterAll(() => bench.stop());

  const join = async (topic: string, onBatch: ConsumerGroupSettings['onBatch']): Promise<ConsumerGroup> => {
    const options = { ...bench.options, sessionTimeoutMs: 6_000 };
    const group = new ConsumerGroup(options, { groupId: `g-${topic}`, topics: [topic], onBatch, deps: bench.deps });
    await group.start();
    return group;
  };

  const write = (topic: string, values: string[]) =>
    Promise.all(values.map((value) => producer.send({ topic, key: 'k', value, headers: { h: value } })));

  it('reads from the start, commits what it has done, and goes on there after it was stopped', async () => {
    const topic = await bench.topic(2, { 'compression.type': 'zstd' });
    await write(topic, ['a', 'b']);
    const first: string[] = [];
    const group = await join(topic, (records) => {
      for (const record of records)
        first.push(`${valueOf(record)} ${String(record.headers()[0]?.[1])} ${record.offset}`);
      return Promise.resolve();
    });
    await until('the first two', () => first.length === 2);
    expect(first).toEqual(['a a 0', 'b b 1']);
    expect(await new KafkaHealth([group]).check()).toEqual({ ok: true });
    await group.stop();

    await write(topic, ['c']);
    const second: string[] = [];
    const again = await join(topic, (records) => {
      second.push(...records.map(valueOf));
      return Promise.resolve();
    });
    await until('the third', () => second.length > 0);
    await again.stop();
    expect(second).toEqual(['c']);
  });

  it('gives a batch again whose work failed, and nothing behind it before', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['a', 'b']);
    const seen: string[] = [];
    let failures = 2;
    const group = await join(topic, (records) => {
      seen.push(records.map(valueOf).join());
      return failures-- > 0 ? Promise.reject(new Error('not now')) : Promise.resolve();
    });
    await until('success', () => seen.length === 3);
    await group.stop();
    expect(seen).toEqual(['a,b', 'a,b', 'a,b']);
  });

  it('does not lose its membership while one batch takes longer than its session', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['slow']);
    const seen: string[] = [];
    const group = await join(topic, async (records) => {
      seen.push(...records.map(valueOf));
      if (seen.length === 1) await sleep(8_000);
    });
    await until('the slow one', () => seen.length === 1);
    await sleep(8_500);
    await write(topic, ['next']);
    await until('the next one', () => seen.includes('next'));
    await group.stop();
    expect(seen).toEqual(['slow', 'next']);
  });

  it('joins when its broker comes, and again after it was killed, without losing anything', async () => {
    const topic = await bench.topic(1);
    const seen = new Set<string>();
    await bench.node.kill();
    const group = await join(topic, (records) => {
      for (const record of records) seen.add(valueOf(record));
      return Promise.resolve();
    });
    await sleep(500);
    expect(group.check()).toMatchObject({ ok: false });
    await bench.node.restart();
    await write(topic, ['before']);
    await until('the first record', () => seen.has('before'));
    await bench.node.kill();
    await bench.node.restart();
    await write(topic, ['after']);
    await until('the record after the crash', () => seen.has('after'), 30_000);
    expect(group.check()).toEqual({ ok: true });
    await group.stop();
  }, 90_000);
});
