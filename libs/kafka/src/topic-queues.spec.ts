import { partitionOfKey } from './partitioner';
import { PendingRecord } from './pending-record';
import { TopicQueues } from './topic-queues';

describe(TopicQueues.name, () => {
  const pushTo = (queues: TopicQueues, key: string | null, partition?: number): void => {
    const message = { key: key === null ? null : Buffer.from(key), value: null, headers: {} };
    queues.push(
      new PendingRecord({ topic: 't', partition, message, bytes: 10, deadlineMs: Infinity }, () => undefined),
      3,
    );
  };

  const written = async (push: (queues: TopicQueues) => void, stuck?: number): Promise<number[]> => {
    const partitions: number[] = [];
    const queues = new TopicQueues('t', async ({ partition }, records) => {
      partitions.push(...records.map(() => partition));
      if (partition === stuck) await new Promise(() => undefined);
      return 0n;
    });
    push(queues);
    await new Promise((resolve) => setImmediate(resolve));
    return partitions.sort();
  };

  it('takes the partition that was asked for, then the key’s', async () => {
    expect(await written((queues) => pushTo(queues, 'k', 2))).toEqual([2]);
    expect(await written((queues) => pushTo(queues, 'k'))).toEqual([partitionOfKey(Buffer.from('k'), 3)]);
  });

  it('spreads records without a key', async () => {
    const push = (queues: TopicQueues): void =>
      Array.from({ length: 9 }, () => null).forEach((key) => pushTo(queues, key));
    expect(await written(push)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
  });

  it('passes over a partition that takes nothing', async () => {
    const partitions = await written((queues) => {
      pushTo(queues, null, 1);
      for (let count = 0; count < 4; count += 1) pushTo(queues, null);
    }, 1);
    expect(partitions.filter((partition) => partition === 1).length).toBeLessThanOrEqual(2);
    expect(partitions).toHaveLength(5);
  });
});
