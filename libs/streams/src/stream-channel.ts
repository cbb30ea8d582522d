import type { Stream } from '@tidegate/catalog';
import type { ResetReason } from '@tidegate/kafka';
import type { View } from '@tidegate/policy';
import type { Logger } from '@tidegate/telemetry';
import { Batch } from './batch';
import { checkPartitions, type CursorSeal, type SourcePosition } from './cursor';
import type { StreamLimits } from './limits';
import type { StreamMetrics } from './metrics';
import type { RangeBuckets } from './range-buckets';
import type { RowDecoder } from './row-decoder';
import type { RowCounts } from './row-tally';
import type { GapReason, SessionSink } from './session-sink';
import type { StreamRecord } from './stream-record';
import type { StreamSession } from './stream-session';
import type { FeedListener, TopicFeed } from './topic-feed';

export interface ChannelOptions {
  stream: Stream;
  feeds: readonly TopicFeed[];
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

interface Arrived {
  source: number;
  partition: number;
  records: readonly StreamRecord[];
  next: bigint;
  taken: number;
}

/** Records of one kind that go out together, and where every partition stands after them. */
interface Run {
  records: StreamRecord[];
  moves: { source: number; partition: number; next: bigint }[];
}

interface ViewGroup {
  view: View;
  live: Set<StreamSession>;
  /** Of all runs since the group came to be. */
  counts: RowCounts;
}

/** Rows times views judged in one go, so that a burst with many views does not hold up everything else. */
const maxJudgements = 10_000;

type Delivery = (sink: SessionSink, cursor: string) => void;

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
  readonly behind = new Set<StreamSession>();
  /** How often offsets have lost their meaning. */
  resets = 0;
  /** Called when `arrived` moves, for readers that wait. */
  readonly waiting = new Set<() => void>();
  private readonly groups = new Map<string, ViewGroup>();
  private readonly gaps = new Set<GapReason>();
  private queue: Arrived[] = [];
  private sealedHead: string | undefined;

  constructor(readonly options: ChannelOptions) {
    this.arrived = options.feeds.map((feed) => feed.rings.map((ring) => ring.next));
    this.head = this.arrived.map((offsets) => [...offsets]);
    for (const feed of options.feeds) feed.listen(this);
  }

  get name(): string {
    return this.options.stream.name;
  }

  close(): void {
    for (const feed of this.options.feeds) feed.unlisten(this);
  }

  /** Why nothing new comes at the moment. */
  get unavailable(): string | undefined {
    return this.options.feeds.find((feed) => feed.unavailable !== undefined)?.unavailable;
  }

  /** The sealed half of a cursor; the same text for everyone at `head`. */
  sealed(position?: readonly (readonly bigint[])[]): string {
    if (position !== undefined) return this.options.seal.seal(this.name, this.tagged(position));
    this.sealedHead ??= this.options.seal.seal(this.name, this.tagged(this.head));
    return this.sealedHead;
  }

  get pending(): boolean {
    return this.queue.length > 0 || this.gaps.size > 0;
  }

  /** Gives live sessions the next run of what has arrived. */
  step(): void {
    this.sayGaps();
    if (this.queue.length > 0) this.deliver(this.nextRun());
  }

  join(session: StreamSession): void {
    this.behind.delete(session);
    const group = this.groups.get(session.view.id) ?? newGroup(session.view);
    this.groups.set(session.view.id, group);
    group.live.add(session);
    session.tally.share(group.counts);
  }

  leave(session: StreamSession): void {
    this.behind.delete(session);
    const group = this.groups.get(session.view.id);
    if (group?.live.delete(session) === true) session.tally.unshare();
    if (group?.live.size === 0) this.groups.delete(session.view.id);
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
    this.queue = [];
    this.gaps.clear();
    // Whoever comes next walks over what was dropped, from the rings.
    this.arrived.forEach((offsets, source) => this.head[source]?.splice(0, Infinity, ...offsets));
    this.sealedHead = undefined;
    const live = [...this.groups.values()].flatMap((group) => [...group.live]);
    for (const session of [...live, ...this.behind]) session.fail();
  }

  onRecords(feed: TopicFeed, partition: number, records: readonly StreamRecord[], next: bigint): void {
    const source = this.options.feeds.indexOf(feed);
    this.queue.push({ source, partition, records, next, taken: 0 });
    this.moveArrived(source, partition, next);
    this.options.onArrival();
  }

  onReset(feed: TopicFeed, reason: ResetReason, partition: number, next: bigint): void {
    // What arrived before goes out before anything is said about what follows.
    this.guard(() => {
      while (this.queue.length > 0) this.deliver(this.nextRun());
    });
    this.resets++;
    const source = this.options.feeds.indexOf(feed);
    this.options.buckets.forget(feed.topic, partition);
    this.moveHead(source, partition, next);
    for (const session of this.behind) session.onReset(reason, source, partition, next);
    this.gaps.add(reason);
    this.moveArrived(source, partition, next);
    this.options.onArrival();
  }

  onPartition(feed: TopicFeed, partition: number, start: bigint): void {
    const source = this.options.feeds.indexOf(feed);
    this.moveHead(source, partition, start);
    for (const session of this.behind) session.onPartition(source, partition, start);
    this.moveArrived(source, partition, start);
    this.guard(() => checkPartitions(this.head.map(({ length }) => length)));
  }

  private deliver({ records, moves }: Run): void {
    this.countWithheld(records);
    const deliveries: { give: Delivery; count: number; to: StreamSession[] }[] = [];
    for (const { view, live, counts } of this.groups.values()) {
      const batch = new Batch(this.options.decoder, view, Infinity);
      for (const record of records) batch.visit(record);
      const give = batch.close();
      if (give !== undefined) deliveries.push({ give, count: batch.count, to: this.ready(live) });
      counts.given += batch.count;
      counts.heldBack += batch.heldBack;
    }
    for (const { source, partition, next } of moves) this.moveHead(source, partition, next);
    for (const { give, count, to } of deliveries) {
      for (const session of to) session.give(give);
      this.options.metrics.rows.inc({ stream: this.name }, count * to.length);
    }
  }

  /** Those who can take more; the others stay where they are, before this run. */
  private ready(live: ReadonlySet<StreamSession>): StreamSession[] {
    const ready: StreamSession[] = [];
    for (const session of live) {
      if (session.blocked) session.fallBehind();
      else ready.push(session);
    }
    return ready;
  }

  private nextRun(): Run {
    const run: Run = { records: [], moves: [] };
    let bytes = 0;
    let rows = 0;
    const most = Math.max(1, Math.floor(maxJudgements / Math.max(1, this.groups.size)));
    for (let arrived = this.queue[0]; arrived !== undefined; arrived = this.queue[0]) {
      const { source, partition, records } = arrived;
      for (let record = records[arrived.taken]; record !== undefined; record = records[++arrived.taken]) {
        const first = run.records[0] ?? record;
        const full = bytes >= this.options.limits.batchBytes || rows >= most;
        if (full || (first.value === null) !== (record.value === null)) {
          run.moves.push({ source, partition, next: record.offset });
          return run;
        }
        run.records.push(record);
        bytes += record.value?.length ?? 0;
        rows += this.rowsIn(record);
      }
      run.moves.push({ source, partition, next: arrived.next });
      this.queue.shift();
    }
    return run;
  }

  /** What judging the record for one view takes. */
  private rowsIn(record: StreamRecord): number {
    if (record.value === null || this.groups.size === 0) return 1;
    return Math.max(1, this.options.decoder.rows(record).length);
  }

  private sayGaps(): void {
    if (this.gaps.size === 0) return;
    const reasons = [...this.gaps];
    this.gaps.clear();
    if (reasons.includes('recreated')) this.trim();
    for (const { live } of this.groups.values()) {
      for (const session of live) for (const reason of reasons) session.sayGap(reason);
    }
  }

  private trim(): void {
    this.options.feeds.forEach((feed, source) => {
      const count = feed.trim();
      this.head[source]?.splice(count);
      this.arrived[source]?.splice(count);
      for (const session of this.behind) session.trim(source, count);
    });
    this.sealedHead = undefined;
  }

  private countWithheld(records: readonly StreamRecord[]): void {
    if (records[0]?.value !== null) return;
    const withheld = records.filter((record) => record.owner === undefined).length;
    if (withheld > 0) this.options.metrics.withheldTombstones.inc({ stream: this.name }, withheld);
  }

  private moveHead(source: number, partition: number, next: bigint): void {
    const offsets = this.head[source];
    if (offsets !== undefined) offsets[partition] = next;
    this.sealedHead = undefined;
  }

  private moveArrived(source: number, partition: number, next: bigint): void {
    const offsets = this.arrived[source];
    if (offsets !== undefined) offsets[partition] = next;
    for (const wake of [...this.waiting]) wake();
  }

  private tagged(position: readonly (readonly bigint[])[]): SourcePosition[] {
    return this.options.feeds.map(({ topicTag }, source) => ({ topicTag, offsets: position[source] ?? [] }));
  }
}

function newGroup(view: View): ViewGroup {
  return { view, live: new Set(), counts: { given: 0, heldBack: 0 } };
}
