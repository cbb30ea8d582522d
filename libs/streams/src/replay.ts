import type { ResetReason } from '@tidegate/kafka';
import { Batch, maxRowsAtOnce } from './batch';
import type { CatchUp } from './catch-up';
import type { GapReason } from './session-sink';
import type { StreamSession } from './stream-session';
import { Walk } from './walk';

/** A session that goes through the log from a position of its own, row by row, within its budget. */
export class Replay implements CatchUp {
  private readonly walk: Walk;
  private scanned = 0;
  private spentMs = 0;

  constructor(
    private readonly session: StreamSession,
    position: bigint[][],
    gaps: readonly GapReason[] = [],
  ) {
    const { feeds, buckets, now, onProgress } = this.channel.options;
    const target = session.gate ?? (() => this.channel.head);
    this.walk = new Walk({ feeds, buckets, position, target, onProgress, now });
    for (const reason of gaps) this.walk.gaps.add(reason);
  }

  get position(): bigint[][] {
    return this.walk.position;
  }

  get waitsForKafka(): boolean {
    return this.walk.failure !== undefined;
  }

  pump(): boolean {
    const { session, walk } = this;
    for (const reason of walk.gaps) session.sayGap(reason);
    walk.gaps.clear();
    const got = this.takeBatch();
    if (!session.isBehindWith(this)) return false;
    if (this.overBudget) session.skipAhead();
    else if (session.gate !== undefined) this.lookForHead();
    else if (walk.arrived) session.joinLive();
    return got && session.isBehindWith(this);
  }

  end(): void {
    this.walk.end();
  }

  onReset(reason: ResetReason, source: number, partition: number, next: bigint): void {
    const at = this.position[source]?.[partition] ?? 0n;
    // The tail's own lag is nothing to a reader that is behind it: that one meets the log's start by itself.
    if (reason === 'recreated' || (reason === 'truncated' && at > next)) {
      this.walk.jump(source, partition, next, reason);
    }
  }

  onPartition(source: number, partition: number, start: bigint): void {
    this.walk.jump(source, partition, start);
  }

  trim(source: number, partitions: number): void {
    this.walk.trim(source, partitions);
  }

  private lookForHead(): void {
    const { head } = this.channel;
    const there = this.position.every((offsets, source) => offsets.every((offset, p) => offset === head[source]?.[p]));
    if (there) this.session.sayCaughtUp();
  }

  private takeBatch(): boolean {
    const { session, walk, channel } = this;
    const { decoder, limits, metrics, now } = channel.options;
    const startedMs = now();
    const batch = new Batch({
      decoder,
      sight: session.sight,
      maxBytes: limits.batchBytes,
      deletedBy: (record) => channel.lastValues?.deletedBy(record),
    });
    const scanned = walk.scan(batch.visit, Math.min(maxRowsAtOnce, this.budget));
    this.scanned += scanned;
    this.spentMs += now() - startedMs;
    metrics.scanned.inc({ stream: session.stream }, scanned);
    session.tally.add(batch.count, batch.heldBack);
    const give = batch.close();
    if (give === undefined) return scanned > 0;
    metrics.rows.inc({ stream: session.stream }, batch.count);
    session.give(give);
    return true;
  }

  private get overBudget(): boolean {
    if (this.session.hasCaughtUp || this.walk.arrived) return false;
    return this.budget <= 0 || this.spentMs + this.walk.readMs > this.channel.options.stream.resume.maxMs;
  }

  /** Records that this resume may still look at. Once it was live, the clock for slow readers bounds it instead. */
  private get budget(): number {
    return this.session.hasCaughtUp ? Infinity : this.channel.options.stream.resume.maxScanned - this.scanned;
  }

  private get channel() {
    return this.session.channel;
  }
}
