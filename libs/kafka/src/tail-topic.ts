import type { Logger } from '@tidegate/telemetry';
import type { KafkaRecord } from './fetched-record';
import type { TopicMetadata } from './metadata';

/** recreated: the topic was deleted and made again; truncated: what stood there is gone or unreadable; retention: it was too old. */
export type ResetReason = 'recreated' | 'truncated' | 'retention';

export interface TailPartition {
  partition: number;
  /** The first offset that this tail delivers. */
  startOffset: bigint;
  logStart: bigint;
}

/** Called from the fetch loop, one call at a time: what takes long delays every topic. An exception is logged and changes nothing. */
export interface TailListener {
  /** In offset order per partition. `next` is the position after them; `records` is empty when only markers or aborted records passed. */
  onRecords(partition: number, records: KafkaRecord[], next: bigint): void;
  /** Reading goes on at `next`; what lay between cannot be had. */
  onReset(reason: ResetReason, partition: number, next: bigint): void;
  onPartitionAdded(partition: number, startOffset: bigint): void;
  /**
   * The topic is gone. Should it be made again while the tail is open, `onReset` says `recreated` and reading goes on; should it
   * have been there after all, `onAvailable` says so.
   */
  onDeleted(): void;
  /** Fetches fail for a while now; the tail keeps trying. */
  onUnavailable(reason: string): void;
  onAvailable(): void;
}

export interface Tail {
  readonly topicId: string;
  partitions(): TailPartition[];
  close(): Promise<void>;
}

/** Where reading of one partition stands. Replaced, not changed, when the topic is made again: an answer on its way knows its own. */
export interface PartitionPosition {
  readonly topic: string;
  /** Fetches name it, so that an answer is never about another topic of the same name. */
  readonly topicId: string;
  readonly partition: number;
  next: bigint;
  /** Under which leader the record before `next` was written, when that is known. */
  lastEpoch: number | undefined;
  logStart: bigint;
  highWatermark: bigint;
  leader: number;
  /** Not fetched before. */
  heldUntilMs: number;
  lastFetchMs: number;
  corruptTries: number;
}

interface Attached {
  listener: TailListener;
  starts: Map<number, bigint>;
}

/** One topic being tailed: its positions and who listens. */
export class TailTopic {
  readonly positions = new Map<number, PartitionPosition>();
  private readonly attached = new Set<Attached>();
  private readonly formerIds = new Set<string>();
  private missing = 0;
  private unavailable = false;
  deleted = false;

  constructor(
    readonly name: string,
    private id: string,
    private readonly logger: Logger,
  ) {}

  get topicId(): string {
    return this.id;
  }

  get inUse(): boolean {
    return this.attached.size > 0;
  }

  /** Offsets between the partition that is furthest behind and the end of its log; markers and open transactions count. */
  get lag(): number {
    return Math.max(0, ...[...this.positions.values()].map(({ highWatermark, next }) => Number(highWatermark - next)));
  }

  place(partition: number, next: bigint, logStart: bigint, leader: number): void {
    this.positions.set(partition, {
      topic: this.name,
      topicId: this.id,
      partition,
      next,
      lastEpoch: undefined,
      logStart,
      highWatermark: next,
      leader,
      heldUntilMs: 0,
      lastFetchMs: Date.now(),
      corruptTries: 0,
    });
  }

  attach(listener: TailListener, release: () => void): Tail {
    const starts = new Map([...this.positions.values()].map(({ partition, next }) => [partition, next]));
    const attached: Attached = { listener, starts };
    this.attached.add(attached);
    const topicId = () => this.id;
    return {
      get topicId() {
        return topicId();
      },
      partitions: () => [...this.positions.values()].map((position) => startOf(position, starts)),
      close: () => {
        this.attached.delete(attached);
        release();
        return Promise.resolve();
      },
    };
  }

  /** Records, or the news that only markers passed. */
  deliver(position: PartitionPosition, records: KafkaRecord[], next: bigint, epoch?: number): void {
    position.next = next;
    position.lastEpoch = epoch;
    this.tell((listener) => listener.onRecords(position.partition, records, next));
  }

  reset(position: PartitionPosition, reason: ResetReason, next: bigint): void {
    position.next = next;
    position.lastEpoch = undefined;
    this.logger.warn({ topic: this.name, partition: position.partition, reason, next: String(next) }, 'tail reset');
    this.tell((listener) => listener.onReset(reason, position.partition, next));
  }

  /** What the cluster says about the topic now. */
  learn(metadata: TopicMetadata): void {
    // A broker that lags behind may still show the topic from before it was deleted.
    if (this.formerIds.has(metadata.topicId)) return;
    this.missing = 0;
    if (metadata.topicId !== this.id) return this.becomeRecreated(metadata);
    if (this.deleted) this.comeBack();
    for (const { partition, leader } of metadata.partitions) {
      const position = this.positions.get(partition);
      if (!position) this.addPartition(partition, leader);
      else position.leader = leader;
    }
  }

  /** The cluster does not know the topic. Said twice before it counts: a broker that has just started may know too little. */
  learnMissing(): void {
    this.missing += 1;
    if (this.missing < 2 || this.deleted) return;
    this.deleted = true;
    // Nothing of it is fetched any more, so that nothing could end that either.
    this.unavailable = false;
    this.logger.warn({ topic: this.name }, 'tailed topic was deleted');
    this.tell((listener) => listener.onDeleted());
  }

  /** Tells listeners when reading begins to fail or works again. */
  judge(staleBeforeMs: number, reason: string): void {
    if (this.deleted) return;
    const stale = [...this.positions.values()].some(({ lastFetchMs }) => lastFetchMs < staleBeforeMs);
    if (stale === this.unavailable) return;
    this.unavailable = stale;
    this.logger.info({ topic: this.name, ...(stale && { reason }) }, stale ? 'tail is stale' : 'tail is live again');
    this.tell((listener) => (stale ? listener.onUnavailable(reason) : listener.onAvailable()));
  }

  get stale(): boolean {
    return this.unavailable;
  }

  /** It was there all the time: the broker that did not know it was wrong. */
  private comeBack(): void {
    this.deleted = false;
    for (const position of this.positions.values()) position.lastFetchMs = Date.now();
    this.logger.warn({ topic: this.name }, 'tailed topic was not deleted');
    this.tell((listener) => listener.onAvailable());
  }

  private becomeRecreated({ topicId, partitions }: TopicMetadata): void {
    this.formerIds.add(this.id);
    this.id = topicId;
    this.deleted = false;
    const before = new Set(this.positions.keys());
    this.positions.clear();
    for (const { partition, leader } of partitions) {
      if (!before.has(partition)) {
        this.addPartition(partition, leader);
        continue;
      }
      this.place(partition, 0n, 0n, leader);
      for (const { starts } of this.attached) starts.set(partition, 0n);
      this.reset(this.positions.get(partition) as PartitionPosition, 'recreated', 0n);
    }
  }

  /** From its very first record: whatever was written to it before we saw it belongs to "from now on" too. */
  private addPartition(partition: number, leader: number): void {
    this.place(partition, 0n, 0n, leader);
    for (const { starts } of this.attached) starts.set(partition, 0n);
    this.logger.info({ topic: this.name, partition }, 'tail found a new partition');
    this.tell((listener) => listener.onPartitionAdded(partition, 0n));
  }

  private tell(call: (listener: TailListener) => void): void {
    for (const { listener } of this.attached) {
      try {
        call(listener);
      } catch (error) {
        this.logger.error({ err: error, topic: this.name }, 'tail listener failed');
      }
    }
  }
}

function startOf({ partition, logStart }: PartitionPosition, starts: ReadonlyMap<number, bigint>): TailPartition {
  return { partition, startOffset: starts.get(partition) ?? 0n, logStart };
}
