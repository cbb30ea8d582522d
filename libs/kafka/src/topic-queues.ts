import { PartitionQueue, type WriteBatch } from './partition-queue';
import { partitionOfKey } from './partitioner';
import type { PendingRecord } from './pending-record';

export { type Place } from './partition-queue';

/** Below the broker's default limit of 1,048,588 bytes for a batch; where a topic allows less, batches are split. */
const batchLimits = { maxRecords: 1_000, maxBytes: 1_000_000 };

/** The queues of one topic's partitions, and the choice between them. */
export class TopicQueues {
  private readonly queues: PartitionQueue[] = [];
  private turn = 0;

  constructor(
    private readonly topic: string,
    private readonly write: WriteBatch,
  ) {}

  push(record: PendingRecord, partitions: number): void {
    for (let partition = this.queues.length; partition < partitions; partition += 1) {
      this.queues.push(new PartitionQueue({ topic: this.topic, partition }, batchLimits, this.write));
    }
    this.queues[this.partitionFor(record, partitions)]?.push(record);
  }

  private partitionFor({ partition, message: { key } }: PendingRecord, partitions: number): number {
    if (partition !== undefined) return partition;
    return key === null ? this.leastBusy(partitions) : partitionOfKey(key, partitions);
  }

  /** In turn while all are idle; one whose leader is away fills up and is passed over. */
  private leastBusy(partitions: number): number {
    this.turn = (this.turn + 1) % partitions;
    let best = this.turn;
    for (let step = 1; step < partitions; step += 1) {
      const candidate = (this.turn + step) % partitions;
      if (this.load(candidate) < this.load(best)) best = candidate;
    }
    return best;
  }

  private load(partition: number): number {
    return this.queues[partition]?.bytes ?? 0;
  }
}
