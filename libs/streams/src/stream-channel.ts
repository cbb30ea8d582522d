import type { ResetReason } from '@tidegate/kafka';
import type { Logger } from '@tidegate/telemetry';
import { Arrivals, type Run } from './arrivals';
import { checkPartitions, type CursorSeal, type SourcePosition } from './cursor';
import type { DurableSource } from './durable-hold';
import type { Follower } from './follower';
import { LastValues, type Change } from './last-values';
import type { StreamLimits } from './limits';
import type { StreamMetrics } from './metrics';
import type { RangeBuckets } from './range-buckets';
import type { RowDecoder } from './row-decoder';
import { isSameScope, namedTopics, type Scope, type ScopedStream } from './scoped-stream';
import type { GapReason } from './session-sink';
import type { Sight } from './sight';
import type { StreamRecord } from './stream-record';
import type { StreamSession } from './stream-session';
import { TopicEntrance } from './topic-entrance';
import type { FeedListener, TopicFeed } from './topic-feed';
import type { LatestGroup } from './view-group';
import { ViewGroups } from './view-groups';

export interface ChannelOptions {
  stream: ScopedStream;
  /** More come, and some have gone, where topics do. */
  feeds: TopicFeed[];
  /** What of its topics is not read, and why. */
  absent: ReadonlyMap<string, string>;
  decoder: RowDecoder;
  buckets: RangeBuckets;
  seal: CursorSeal;
  limits: StreamLimits;
  metrics: StreamMetrics;
  logger: Logger;
  /** Records have come: call `step` within a tick. */
  onArrival: () => void;
  /** A session that is behind may get on: pump it. */
  onProgress: () => void;
  now: () => number;
}

const nothing: ReadonlyMap<string, Change> = new Map();
/** Rows times views judged in one go, so that a burst with many views does not hold up everything else. */
const maxJudgements = 10_000;

/**
 * One stream of the catalog while somebody reads it. All live sessions stand at `head`, so a run of records is judged
 * and written out once per distinct view and its cursor is sealed once. Sessions that are behind have positions of
 * their own and join the live ones when they stand exactly at `head`; both happen synchronously, so nothing is lost or
 * doubled in between.
 */
export class StreamChannel implements FeedListener {
  /** Next offsets by source and partition, of all live sessions. */
  readonly head: bigint[][];
  /** Next offsets that the rings reach; ahead of `head` until the next step. */
  readonly arrived: bigint[][];
  readonly behind = new Set<Follower>();
  /** Where the stream offers them. */
  readonly lastValues: LastValues | undefined;
  /** How often offsets have lost their meaning. */
  resets = 0;
  /** Called when `arrived` moves, for readers that wait. */
  readonly waiting = new Set<() => void>();
  private readonly groups: ViewGroups;
  /** To be said to those who were live when something was lost. */
  private readonly gaps = new Map<GapReason, Set<StreamSession>>();
  private readonly arrivals = new Arrivals();
  private readonly entrances = new Map<TopicFeed, TopicEntrance>();
  /** What of its topics is not read, and why. */
  absent: ReadonlyMap<string, string>;
  /** By the names under which the stream is followed. */
  private readonly sealedHeads = new Map<string, string>();

  constructor(readonly options: ChannelOptions) {
    this.absent = options.absent;
    this.arrived = options.feeds.map((feed) => feed.rings.map((ring) => ring.next));
    this.head = this.arrived.map((offsets) => [...offsets]);
    const { stream, ...rest } = options;
    const { latest: limits, name } = stream;
    this.lastValues =
      limits && new LastValues({ ...rest, name, limits, head: () => this.head, onReady: () => this.unload() });
    this.groups = new ViewGroups(options.decoder, this.lastValues);
    for (const feed of options.feeds) feed.listen(this);
  }

  get name(): string {
    return this.options.stream.name;
  }

  /** Whether who reads in the scope reads these topics. */
  isFor(scope: Scope): boolean {
    const own = this.options.stream.scope;
    return own === undefined || isSameScope(scope, own);
  }

  close(): void {
    for (const feed of this.options.feeds) feed.unlisten(this);
    for (const entrance of this.entrances.values()) entrance.close();
    this.lastValues?.end();
  }

  /** Somebody follows the stream: its last values are kept from now on, if it has any. */
  keepLastValues(): void {
    if (this.lastValues?.load() !== true) return;
    this.behind.add(this.lastValues);
    this.options.onProgress();
  }

  /** Those of its topics that are read. */
  get present(): TopicFeed[] {
    return this.options.feeds.filter((_, source) => this.has(source));
  }

  /** A topic that has gone keeps its place, with nothing in it. */
  readonly has = (source: number): boolean => (this.arrived[source]?.length ?? 0) > 0;

  /** Whether the catalog names the topic, and does not just have a pattern that it fits. */
  readonly isNamed = ({ topic }: TopicFeed): boolean => namedTopics(this.options.stream).includes(topic);

  /** The topic becomes a source: all it has is new to everybody. */
  addSource(feed: TopicFeed): void {
    const { feeds, buckets } = this.options;
    if (!feeds.includes(feed)) feeds.push(feed);
    this.head[feeds.indexOf(feed)] ??= [];
    this.arrived[feeds.indexOf(feed)] ??= [];
    // One that was made again may have fewer partitions.
    feed.trim();
    const entrance = new TopicEntrance({ feed, buckets, to: this });
    this.entrances.set(feed, entrance);
    feed.rings.forEach((_, partition) => this.onPartition(feed, partition, feed.logStarts[partition] ?? 0n));
    entrance.open();
  }

  /** The topic is none any more; what came of it goes out before. */
  dropSource(feed: TopicFeed): void {
    this.deliverAll();
    feed.unlisten(this);
    this.entrances.get(feed)?.close();
    this.entrances.delete(feed);
    this.trimSource(this.options.feeds.indexOf(feed), 0);
    this.sealedHeads.clear();
  }

  /** Why nothing new comes while no topic can be read. */
  get unavailable(): string | undefined {
    const feeds = this.present;
    const [first] = feeds;
    if (first === undefined) return [...this.absent.values()][0];
    return feeds.every(({ unavailable }) => unavailable !== undefined) ? first.unavailable : undefined;
  }

  /** The sealed half of a cursor; the same text for everyone at `head` who follows it by one name. */
  sealed(name: string, position?: readonly (readonly bigint[])[]): string {
    const { seal } = this.options;
    if (position !== undefined) return seal.seal(name, this.tagged(position));
    const sealed = this.sealedHeads.get(name) ?? seal.seal(name, this.tagged(this.head));
    this.sealedHeads.set(name, sealed);
    return sealed;
  }

  get pending(): boolean {
    return this.arrivals.pending || this.gaps.size > 0;
  }

  /** Gives live sessions the next run of what has arrived. */
  step(): void {
    this.sayGaps();
    if (this.arrivals.pending) this.deliver(this.nextRun());
  }

  join(session: StreamSession): void {
    this.behind.delete(session);
    this.groups.join(session);
  }

  leave(session: StreamSession): void {
    this.behind.delete(session);
    this.groups.leave(session);
  }

  latestGroup(sight: Sight): LatestGroup {
    return this.groups.latest(sight);
  }

  /** The topics that its offsets are of, as they are now. */
  sources(): DurableSource[] {
    return this.present.map(({ topic, topicId = '', topicTag }) => ({ topic, topicId, topicTag }));
  }

  /** As much of a position as there is anything before. */
  reached(position: readonly SourcePosition[]): SourcePosition[] {
    return position.flatMap(({ topicTag, offsets }) => {
      const ends = this.arrived[this.options.feeds.findIndex((feed) => feed.topicTag === topicTag)];
      if (ends === undefined) return [];
      return [{ topicTag, offsets: ends.map((end, p) => smaller(offsets[p] ?? 0n, end)) }];
    });
  }

  /** Which offsets mean which topic. */
  tagged(position: readonly (readonly bigint[])[]): SourcePosition[] {
    const { feeds } = this.options;
    const tagged = feeds.map(({ topicTag }, source) => ({ topicTag, offsets: position[source] ?? [] }));
    return tagged.filter(({ offsets }) => offsets.length > 0);
  }

  positionOfHead(): bigint[][] {
    return this.head.map((offsets) => [...offsets]);
  }

  /** Of who has nothing yet. */
  positionOfNothing(): bigint[][] {
    return this.head.map((offsets) => offsets.map(() => 0n));
  }

  /** A mistake of ours in this stream ends its sessions, which resume by their cursors, and nothing else. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.logger.error({ err: error, stream: this.name }, 'a stream failed and its sessions are ended');
      this.abandon();
    }
  }

  /** Ends all sessions and drops what was to be given to them. */
  private abandon(): void {
    this.arrivals.clear();
    this.gaps.clear();
    // Whoever comes next walks over what was dropped, from the rings.
    this.arrived.forEach((offsets, source) => this.head[source]?.splice(0, Infinity, ...offsets));
    this.sealedHeads.clear();
    for (const follower of [...this.groups.live, ...this.behind]) follower.fail();
    this.unload();
    this.lastValues?.fail();
  }

  onRecords(feed: TopicFeed, partition: number, records: readonly StreamRecord[], next: bigint): void {
    const source = this.options.feeds.indexOf(feed);
    this.arrivals.add({ source, partition, records, next });
    this.moveArrived(source, partition, next);
    this.options.onArrival();
  }

  onReset(feed: TopicFeed, reason: ResetReason, partition: number, next: bigint): void {
    // What arrived before goes out before anything is said about what follows.
    this.deliverAll();
    this.resets++;
    const source = this.options.feeds.indexOf(feed);
    this.moveHead(source, partition, next);
    for (const follower of this.behind) follower.onReset(reason, source, partition, next);
    this.resetLastValues(reason);
    this.noteGap(reason);
    this.moveArrived(source, partition, next);
    this.options.onArrival();
  }

  onPartition(feed: TopicFeed, partition: number, start: bigint): void {
    const source = this.options.feeds.indexOf(feed);
    this.moveHead(source, partition, start);
    this.lastValues?.onPartition(source, partition, start);
    for (const follower of this.behind) {
      if (follower !== this.lastValues) follower.onPartition(source, partition, start);
    }
    this.moveArrived(source, partition, start);
    this.guard(() => checkPartitions(this.head.map(({ length }) => length)));
  }

  onSkip(feed: TopicFeed, partition: number, next: bigint): void {
    this.moveArrived(this.options.feeds.indexOf(feed), partition, next);
    this.abandon();
  }

  private deliverAll(): void {
    this.guard(() => {
      while (this.arrivals.pending) this.deliver(this.nextRun());
    });
  }

  private deliver({ records, moves }: Run): void {
    const version = this.lastValues?.version ?? 0;
    const changes = this.lastValues?.apply(records) ?? nothing;
    this.countWithheld(records);
    const outgoing = this.groups.judge({ records, changes, version });
    for (const { source, partition, next } of moves) this.moveHead(source, partition, next);
    for (const { stream, give, count, to } of outgoing) {
      for (const session of to) session.give(give);
      this.options.metrics.rows.inc({ stream }, count * to.length);
    }
  }

  private unload(): void {
    if (this.lastValues !== undefined) this.behind.delete(this.lastValues);
  }

  /** Who holds last values hears of it before it gets them anew. */
  private resetLastValues(reason: GapReason): void {
    const { lastValues } = this;
    if (lastValues === undefined || lastValues.idle) return;
    lastValues.reset();
    this.keepLastValues();
    this.groups.startOver(reason);
  }

  private nextRun(): Run {
    const most = Math.max(1, Math.floor(maxJudgements / Math.max(1, this.groups.size)));
    return this.arrivals.take(this.options.limits.batchBytes, most, (record) => this.rowsIn(record));
  }

  /** What judging the record for one view takes. */
  private rowsIn(record: StreamRecord): number {
    if (record.value === null || this.groups.size === 0) return 1;
    return Math.max(1, this.options.decoder.rows(record).length);
  }

  private noteGap(reason: GapReason): void {
    const sessions = this.gaps.get(reason) ?? new Set();
    this.gaps.set(reason, sessions);
    for (const session of this.groups.live) sessions.add(session);
  }

  private sayGaps(): void {
    if (this.gaps.size === 0) return;
    const gaps = [...this.gaps];
    this.gaps.clear();
    if (gaps.some(([reason]) => reason === 'recreated')) this.trim();
    for (const [reason, sessions] of gaps) for (const session of sessions) session.sayGap(reason);
  }

  private trim(): void {
    this.options.feeds.forEach((feed, source) => {
      if (this.has(source)) this.trimSource(source, feed.trim());
    });
    this.sealedHeads.clear();
  }

  private trimSource(source: number, count: number): void {
    this.head[source]?.splice(count);
    this.arrived[source]?.splice(count);
    for (const follower of this.behind) follower.trim(source, count);
  }

  private countWithheld(records: readonly StreamRecord[]): void {
    if (records[0]?.value !== null) return;
    const withheld = records.filter(
      (record) => record.owner === undefined && this.lastValues?.deletedBy(record) === undefined,
    ).length;
    if (withheld > 0) this.options.metrics.withheldTombstones.inc({ stream: this.name }, withheld);
  }

  private moveHead(source: number, partition: number, next: bigint): void {
    const offsets = this.head[source];
    if (offsets !== undefined) offsets[partition] = next;
    this.sealedHeads.clear();
  }

  private moveArrived(source: number, partition: number, next: bigint): void {
    const offsets = this.arrived[source];
    if (offsets !== undefined) offsets[partition] = next;
    for (const wake of [...this.waiting]) wake();
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
