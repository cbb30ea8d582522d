import type { PartitionMetadata } from './metadata';
import { PartitionQueue, type QueueOptions } from './partition-queue';
import { partitionOfKey } from './partitioner';
import type { PendingRecord } from './pending-record';

/** The queues of one topic's partitions, and the choice between them. */
export class TopicQueues {
  private readonly queues: PartitionQueue[] = [];
  /** Where records without a key go until their batch is full or on its way: few large batches instead of many small ones. */
  private sticky: PartitionQueue | undefined;
  /** How many batches it had taken when it was chosen: records with a key may have followed into it since. */
  private stickyBatches = 0;
  private turn = 0;

  constructor(
    private readonly topic: string,
    private readonly options: QueueOptions,
  ) {}

  push(record: PendingRecord, partitions: readonly PartitionMetadata[]): void {
    for (let partition = this.queues.length; partition < partitions.length; partition += 1) {
      this.queues.push(new PartitionQueue(this.topic, partition, this.options));
    }
    this.queueFor(record, partitions)?.push(record);
  }

  [Symbol.iterator](): Iterator<PartitionQueue> {
    return this.queues.values();
  }

  private queueFor(
    { partition, key }: PendingRecord,
    partitions: readonly PartitionMetadata[],
  ): PartitionQueue | undefined {
    if (partition !== undefined) return this.queues[partition];
    if (key !== null) return this.queues[partitionOfKey(key, partitions.length)];
    const { sticky } = this;
    if (sticky && sticky.unbatchedBytes > 0 && sticky.batches === this.stickyBatches && !sticky.isFull) return sticky;
    this.sticky = this.leastBusy(partitions);
    this.stickyBatches = this.sticky?.batches ?? 0;
    return this.sticky;
  }

  /** In turn while all are idle; one that is slow fills up, and one without a leader waits: both are passed over. */
  private leastBusy(partitions: readonly PartitionMetadata[]): PartitionQueue | undefined {
    this.turn += 1;
    let best: PartitionQueue | undefined;
    let bestLoad = Infinity;
    for (let step = 0; step < partitions.length; step += 1) {
      const partition = (this.turn + step) % partitions.length;
      const queue = this.queues[partition] as PartitionQueue;
      const load = queue.bytes + ((partitions[partition]?.leader ?? -1) < 0 ? leaderlessBytes : 0);
      if (load >= bestLoad) continue;
      best = queue;
      bestLoad = load;
    }
    return best;
  }
}

/** Worse than any backlog; still, with no leader anywhere, one of them has to be it. */
const leaderlessBytes = 2 ** 40;
