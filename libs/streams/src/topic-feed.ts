import type { KafkaRecord, ResetReason, Tail, TailListener, TailPool } from '@tidegate/kafka';
import { topicTag } from './cursor';
import { HeldRecords } from './held-records';
import type { StreamLimits } from './limits';
import type { StreamMetrics } from './metrics';
import { RecordRing, type RingBudget } from './record-ring';
import type { Schemas } from './schemas';
import { keepRecords, type StreamRecord } from './stream-record';
import { readable } from './unreadable';

/** How long a client waits for a topic that Kafka does not answer about. */
const openTimeoutMs = 5_000;

export interface FeedListener {
  onRecords(feed: TopicFeed, partition: number, records: readonly StreamRecord[], next: bigint): void;
  /** Called while the ring still holds what came before. */
  onReset(feed: TopicFeed, reason: ResetReason, partition: number, next: bigint): void;
  onPartition(feed: TopicFeed, partition: number, start: bigint): void;
  /** Records before `next` could not be kept for the listener: they stand in the log only. */
  onSkip(feed: TopicFeed, partition: number, next: bigint): void;
  onDeleted?(feed: TopicFeed): void;
}

export interface FeedDeps {
  tails: Pick<TailPool, 'open'>;
  limits: StreamLimits;
  budget: RingBudget;
  metrics: StreamMetrics;
  schemas: Schemas;
  now: () => number;
}

/** The tail of one physical topic with its recent records, shared by everything in the process that reads it. */
export class TopicFeed implements TailListener {
  readonly rings: RecordRing[] = [];
  readonly logStarts: bigint[] = [];
  /** Why nothing new can be read at the moment. */
  unavailable: string | undefined;
  deleted = false;
  private readonly listeners = new Set<FeedListener>();
  private readonly held: HeldRecords;
  private tail: Tail | undefined;
  /** Calls that come before `open` has told where the partitions start. */
  private early: (() => void)[] = [];
  private closed = false;
  topicTag = 0;

  constructor(
    readonly topic: string,
    private readonly deps: FeedDeps,
  ) {
    const { schemas, limits } = deps;
    this.held = new HeldRecords({
      ready: (records) => schemas.ready(topic, records),
      fetch: (records) => schemas.fetch(records),
      pass: (partition, records, next) => this.pass(partition, records, next),
      skip: (partition, next) => this.skip(partition, next),
      maxBytes: limits.ringBytes,
    });
  }

  /** Why some of what came is not given to anybody yet. */
  get waitsFor(): string | undefined {
    return this.held.reason;
  }

  /** Known while it is open; another one when the topic was made again. */
  get topicId(): string | undefined {
    return this.tail?.topicId;
  }

  /** @throws AppError `unavailable` when Kafka does not answer in time. */
  async open(): Promise<void> {
    const opening = this.deps.tails.open(this.topic, this);
    const tail = await readable(
      inTime(opening, () => {
        this.closed = true;
        opening.then((late) => late.close()).catch(() => undefined);
      }),
    );
    this.tail = tail;
    this.topicTag = topicTag(tail.topicId);
    for (const { partition, startOffset, logStart } of tail.partitions()) {
      this.addRing(partition, startOffset, logStart);
    }
    const early = this.early;
    this.early = [];
    for (const call of early) call();
    this.deps.metrics.tails.inc();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.held.close();
    for (const ring of this.rings) ring.close();
    this.deps.metrics.tails.dec();
    this.deps.metrics.tailLag.remove(this.topic);
    await this.tail?.close();
  }

  /** How many partitions the topic has now; forgets those that it has no more. */
  trim(): number {
    const count = this.tail?.partitions().length ?? this.rings.length;
    for (let partition = count; partition < this.rings.length; partition++) this.held.forget(partition);
    for (const ring of this.rings.splice(count)) ring.close();
    return count;
  }

  /** What it has of the log is read there again by whoever wants it. */
  forget(): void {
    for (const ring of this.rings) ring.reset(ring.next);
  }

  listen(listener: FeedListener): void {
    this.listeners.add(listener);
  }

  unlisten(listener: FeedListener): void {
    this.listeners.delete(listener);
  }

  onRecords(partition: number, records: KafkaRecord[], next: bigint): void {
    if (this.closed) return;
    if (this.tail === undefined) return void this.early.push(() => this.onRecords(partition, records, next));
    this.held.take(partition, keepRecords(records, 'tail'), next);
  }

  private pass(partition: number, kept: readonly StreamRecord[], next: bigint): void {
    this.ring(partition, kept[0]?.offset ?? next).append(kept, next);
    const newest = kept.at(-1)?.timestampMs;
    if (newest !== undefined && newest >= 0) {
      this.deps.metrics.tailLag.set({ topic: this.topic }, Math.max(0, this.deps.now() - newest) / 1000);
    }
    for (const listener of this.listeners) listener.onRecords(this, partition, kept, next);
  }

  private skip(partition: number, next: bigint): void {
    for (const listener of this.listeners) listener.onSkip(this, partition, next);
    this.ring(partition, next).reset(next);
  }

  onReset(reason: ResetReason, partition: number, next: bigint): void {
    if (this.closed) return;
    if (this.tail === undefined) return void this.early.push(() => this.onReset(reason, partition, next));
    this.unavailable = undefined;
    this.deleted = false;
    this.held.forget(partition);
    this.topicTag = topicTag(this.tail.topicId);
    if (reason !== 'truncated') this.logStarts[partition] = next;
    for (const listener of this.listeners) listener.onReset(this, reason, partition, next);
    this.ring(partition, next).reset(next);
  }

  onPartitionAdded(partition: number, startOffset: bigint): void {
    if (this.closed) return;
    if (this.tail === undefined) return void this.early.push(() => this.onPartitionAdded(partition, startOffset));
    if (this.rings[partition] !== undefined) return;
    this.addRing(partition, startOffset, startOffset);
    for (const listener of this.listeners) listener.onPartition(this, partition, startOffset);
  }

  onDeleted(): void {
    this.unavailable = 'the topic was deleted';
    this.deleted = true;
    for (const listener of this.listeners) listener.onDeleted?.(this);
  }

  onUnavailable(reason: string): void {
    this.unavailable = reason;
  }

  onAvailable(): void {
    this.unavailable = undefined;
    this.deleted = false;
  }

  private ring(partition: number, start: bigint): RecordRing {
    return this.rings[partition] ?? this.addRing(partition, start, start);
  }

  private addRing(partition: number, start: bigint, logStart: bigint): RecordRing {
    const { limits, budget } = this.deps;
    const ring = new RecordRing({ maxRecords: limits.ringRecords, maxBytes: limits.ringBytes }, budget, start);
    this.rings[partition] = ring;
    this.logStarts[partition] = logStart;
    return ring;
  }
}

async function inTime<T>(work: Promise<T>, onLate: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      onLate();
      reject(new Error(`no answer within ${openTimeoutMs} ms`));
    }, openTimeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
