import { OffsetOutOfRange } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RangeBuckets } from './range-buckets';
import type { StreamRecord } from './stream-record';
import type { FeedListener, TopicFeed } from './topic-feed';

const retryMs = 1_000;
const lookAgainMs = 5;

export interface EntranceOptions {
  feed: TopicFeed;
  buckets: RangeBuckets;
  /** Gets all that the topic has, as if its tail had begun at its start. */
  to: FeedListener & { readonly pending: boolean };
}

/** Brings a stream what stands in a topic that has just become its source, up to where the tail goes on. */
export class TopicEntrance implements FeedListener {
  /** Next offsets of the partitions that are not there yet. */
  private readonly next = new Map<number, bigint>();
  private closed = false;

  constructor(private readonly options: EntranceOptions) {}

  open(): void {
    const { feed } = this.options;
    feed.listen(this);
    feed.rings.forEach((_, partition) => this.next.set(partition, feed.logStarts[partition] ?? 0n));
    for (const partition of this.next.keys()) void this.bring(partition);
  }

  close(): void {
    this.closed = true;
    this.options.feed.unlisten(this);
  }

  onRecords(feed: TopicFeed, partition: number, records: readonly StreamRecord[], next: bigint): void {
    if (!this.next.has(partition)) this.options.to.onRecords(feed, partition, records, next);
  }

  onReset(...reset: Parameters<FeedListener['onReset']>): void {
    this.next.delete(reset[2]);
    this.options.to.onReset(...reset);
  }

  onPartition(...added: Parameters<FeedListener['onPartition']>): void {
    this.options.to.onPartition(...added);
  }

  onSkip(...skip: Parameters<FeedListener['onSkip']>): void {
    this.next.delete(skip[1]);
    this.options.to.onSkip(...skip);
  }

  private async bring(partition: number): Promise<void> {
    for (;;) {
      const from = this.next.get(partition);
      const ring = this.options.feed.rings[partition];
      if (from === undefined || ring === undefined || this.closed) return;
      if (from >= ring.start) return this.meet(partition, from);
      // Those who are live take it at their pace.
      if (this.options.to.pending) await sleep(lookAgainMs);
      else await this.read(partition, from);
    }
  }

  /** From here on the tail brings the rest. */
  private meet(partition: number, from: bigint): void {
    const { feed, to } = this.options;
    const ring = feed.rings[partition];
    this.next.delete(partition);
    if (ring !== undefined) to.onRecords(feed, partition, [...ring.from(from)], ring.next);
  }

  private async read(partition: number, from: bigint): Promise<void> {
    const { feed, buckets, to } = this.options;
    try {
      const bucket = await buckets.read(feed.topic, partition, from, feed.topicId);
      const ring = feed.rings[partition];
      if (this.closed || ring === undefined || this.next.get(partition) !== from) return;
      // The log may have grown beyond what the tail has brought.
      const next = bucket.next < ring.next ? bucket.next : ring.next;
      this.next.set(partition, next);
      const records = bucket.records.filter(({ offset }) => offset >= from && offset < next);
      to.onRecords(feed, partition, records, next);
      if (next === from) await sleep(retryMs);
    } catch (error) {
      const gone = error instanceof OffsetOutOfRange && error.kind === 'gap' && this.next.get(partition) === from;
      if (gone) this.next.set(partition, error.logStart);
      else await sleep(retryMs);
    }
  }
}
