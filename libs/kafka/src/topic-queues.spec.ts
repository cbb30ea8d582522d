import { Registry } from '@tidegate/telemetry';
import type { Cluster } from './cluster';
import { kafkaMetrics } from './metrics';
import { partitionOfKey } from './partitioner';
import { sent } from './pending.fixture';
import type { ProducerRecord } from './producer';
import { ProducerIds } from './producer-ids';
import { TopicQueues } from './topic-queues';

const partitions = (...leaders: number[]) => leaders.map((leader, partition) => ({ partition, errorCode: 0, leader }));
const three = partitions(1, 1, 1);

describe(TopicQueues.name, () => {
  let queues: TopicQueues;

  beforeEach(() => {
    const ids = new ProducerIds({} as Cluster);
    ids.current = { producerId: 1n, epoch: 0 };
    const metrics = kafkaMetrics(new Registry());
    queues = new TopicQueues('t', {
      compression: 'none',
      maxBatchBytes: 1_000_000,
      fullBytes: 1_000,
      ids,
      metrics,
      onReady: () => undefined,
    });
  });

  const push = (record: Partial<ProducerRecord>, to = three): void => queues.push(sent(record).record, to);
  const filled = (): number[] => [...queues].flatMap((queue) => (queue.bytes > 0 ? [queue.partition] : []));
  const handOver = (): void => {
    for (const queue of queues) queue.seal(Date.now());
  };

  it('takes the partition that was asked for', () => {
    push({ key: 'k', partition: 2 });
    expect(filled()).toEqual([2]);
  });

  it('takes the key’s partition', () => {
    push({ key: 'k' });
    expect(filled()).toEqual([partitionOfKey(Buffer.from('k'), 3)]);
  });

  it('gathers records without a key in one partition until they are on their way, then takes another', () => {
    for (let count = 0; count < 5; count += 1) push({});
    expect(filled()).toHaveLength(1);
    handOver();
    for (let count = 0; count < 5; count += 1) push({});
    expect(filled()).toHaveLength(2);
    handOver();
    push({});
    expect(filled()).toHaveLength(3);
  });

  it('takes another partition though records with a key follow into the one before', () => {
    const used = new Set<number>();
    for (let count = 0; count < 3; count += 1) {
      const before = new Map([...queues].map((queue) => [queue, queue.bytes]));
      push({});
      for (const queue of queues) if (queue.bytes > (before.get(queue) ?? 0)) used.add(queue.partition);
      handOver();
      for (const partition of used) push({ partition, key: 'k' });
    }
    expect(used.size).toBe(3);
  });

  it('takes another partition when the batch is full', () => {
    for (let count = 0; count < 3; count += 1) push({ value: 'x'.repeat(999) });
    expect(filled()).toHaveLength(3);
  });

  it('passes over a partition with a backlog and one without a leader', () => {
    push({ partition: 0, value: 'x'.repeat(500) });
    for (let count = 0; count < 4; count += 1) {
      push({}, partitions(1, 1, -1));
      handOver();
    }
    expect(filled()).toEqual([0, 1]);
    expect([...queues][0]?.bytes).toBeLessThan(600);
  });

  it('takes one without a leader when there is no other', () => {
    push({}, partitions(-1));
    expect(filled()).toEqual([0]);
  });
});
