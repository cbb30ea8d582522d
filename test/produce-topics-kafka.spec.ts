import type { Producer, RangeReader } from '@tidegate/kafka';
import { ConfigResourceTypes } from 'kafkajs';
import { JavaTools } from './support/java-tools';
import { KafkaBench, readAll, until } from './support/kafka-bench';
import { noContradictions, ProduceLedger } from './support/produce-ledger';
import { ProduceLoad } from './support/produce-load';

jest.setTimeout(120_000);

describe('producing to topics that change', () => {
  let bench: KafkaBench;
  let reader: RangeReader;
  let producer: Producer;
  let java: JavaTools;

  beforeAll(async () => {
    bench = await KafkaBench.start(3, { 'producer.id.expiration.check.interval.ms': 200 });
    reader = bench.reader();
    producer = bench.producer();
    java = new JavaTools(bench.cluster.brokers);
  });

  afterAll(async () => {
    java.stop();
    await bench.stop();
  });

  const load = (ledger: ProduceLedger, topics: string[]): ProduceLoad =>
    bench.closed(new ProduceLoad(producer, ledger, { topics, callers: 30 }));

  const untilAcknowledged = (ledger: ProduceLedger, topic: string): Promise<void> => {
    const acked = (): number => ledger.sent.filter((sent) => sent.topic === topic && sent.outcome === 'acked').length;
    const before = acked();
    return until(`${topic} takes records`, () => acked() > before + 100);
  };

  it('uses new partitions, and keeps the order of keys that move to them', async () => {
    const topic = await bench.topic(2);
    const ledger = new ProduceLedger(bench);
    const flow = load(ledger, [topic]);
    await untilAcknowledged(ledger, topic);
    await bench.admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] });
    const used = (): Set<number | undefined> =>
      new Set(ledger.sent.slice(-1_000).map(({ placement }) => placement?.partition));
    await until('all six are used', () => [0, 1, 2, 3, 4, 5].every((partition) => used().has(partition)), 40_000);
    await untilAcknowledged(ledger, topic);
    await flow.close();
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.count('acked')).toBe(ledger.sent.length);
    for (const key of new Set(ledger.sent.flatMap((sent) => sent.key ?? []))) {
      const partitions = ledger.sent.filter((sent) => sent.key === key).map(({ placement }) => placement?.partition);
      const moves = partitions.filter((partition, index) => index > 0 && partition !== partitions[index - 1]);
      expect(moves.length).toBeLessThanOrEqual(1);
    }
  });

  it('fails what goes to a deleted topic, lets all others go on, and goes on when it is made again', async () => {
    const [doomed, first, second] = [await bench.topic(3), await bench.topic(3), await bench.topic(1)];
    const before = new ProduceLedger(bench, 'before');
    const others = new ProduceLedger(bench);
    const flows = [load(before, [doomed]), load(others, [first, second])];
    await untilAcknowledged(before, doomed);
    await bench.deleteTopic(doomed);
    await until('its senders hear of it', () => before.sent.some(({ code }) => code === 'not_found'));
    for (const topic of [first, second]) await untilAcknowledged(others, topic);
    const late = await bench.topic(1);
    expect(await others.send(producer, late, null)).toMatchObject({ outcome: 'acked' });
    await bench.createTopic(doomed, 3);
    await untilAcknowledged(before, doomed);
    const after = new ProduceLedger(bench, 'after');
    await after.burst(producer, doomed, 'key', 500);
    await flows[0]?.close();
    await flows[1]?.close();
    expect(await after.compare(reader)).toEqual(noContradictions);
    expect(await others.compare(reader)).toEqual(noContradictions);
    expect(after.count('acked') + others.count('acked')).toBe(after.sent.length + others.sent.length);
    expect(before.sent.filter(({ outcome }) => outcome === undefined || outcome === 'untyped')).toEqual([]);
  });

  it('goes on when a topic is deleted and made again at once', async () => {
    const topic = await bench.topic(3);
    const before = new ProduceLedger(bench, 'before');
    const flow = load(before, [topic]);
    await untilAcknowledged(before, topic);
    await bench.admin.deleteTopics({ topics: [topic] });
    await until('it is made again', () =>
      bench.createTopic(topic, 3).then(
        () => true,
        () => false,
      ),
    );
    await untilAcknowledged(before, topic);
    const after = new ProduceLedger(bench, 'after');
    await after.burst(producer, topic, 'key', 500);
    await flow.close();
    expect(await after.compare(reader)).toEqual(noContradictions);
    expect(after.count('acked')).toBe(after.sent.length);
    expect(before.sent.filter(({ outcome }) => outcome === undefined || outcome === 'untyped')).toEqual([]);
  });

  it('goes on when the brokers have forgotten it, or the log no longer holds anything of it', async () => {
    const [forgotten, emptied] = [await bench.topic(1), await bench.topic(1)];
    const ledger = new ProduceLedger(bench);
    await ledger.burst(producer, forgotten, 'key', 20);
    expect(await java.producerIds(forgotten)).toHaveLength(1);
    // After a day unless told otherwise.
    await bench.admin.alterConfigs({
      validateOnly: false,
      resources: bench.cluster.nodes.map((_, index) => ({
        type: ConfigResourceTypes.BROKER,
        name: String(index + 1),
        configEntries: [{ name: 'producer.id.expiration.ms', value: '1000' }],
      })),
    });
    for (let round = 0; round < 3; round += 1) {
      for (const topic of [forgotten, emptied]) await ledger.burst(producer, topic, 'key', 20);
      await bench.deleteBefore(emptied, 20 * (round + 1));
      await until('the brokers have forgotten it', async () => (await java.producerIds(forgotten)).length === 0);
    }
    await ledger.burst(producer, emptied, 'key', 20);
    expect(ledger.count('acked')).toBe(160);
    expect((await readAll(reader, emptied)).map(({ offset }) => Number(offset))).toEqual(
      Array.from({ length: 20 }, (_, index) => 60 + index),
    );
  });
});
