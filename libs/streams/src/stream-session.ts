import type { Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { ResetReason } from '@tidegate/kafka';
import type { View } from '@tidegate/policy';
import { Batch, maxRowsAtOnce } from './batch';
import { RowTally } from './row-tally';
import type { ByeCode, GapReason, SessionSink } from './session-sink';
import type { StreamChannel } from './stream-channel';
import { Walk } from './walk';
import type { Spoke } from './wheel';

/** Records looked at in one go, so that one replay does not hold up everybody else. */

export interface SessionOptions {
  id: string;
  principal: Principal;
  view: View;
  sink: SessionSink;
  channel: StreamChannel;
  /** The caller's half of its cursors. */
  prefix: string;
  position: bigint[][];
  gaps: readonly GapReason[];
  /** The caller's view now; undefined when there is none any more. */
  viewOf: (principal: Principal) => View | undefined;
  retryMs: () => number;
  /** No longer there, for whatever reason. Called once. */
  onEnd: (session: StreamSession) => void;
}

/** One reader of one stream: behind, with a position of its own, or live, where all stand at the channel's head. */
export class StreamSession implements Spoke {
  readonly id: string;
  readonly tally = new RowTally();
  view: View;
  /** What ended it: a reason of ours, or the reader. */
  endedBy: ByeCode | 'closed' = 'closed';
  private principal: Principal;
  private walk: Walk | undefined;
  private closed = false;
  private caughtUp = false;
  private warned = false;
  private scanned = 0;
  private spentMs = 0;
  private blockedSinceMs: number | undefined;
  private lagSinceMs: number | undefined;

  constructor(private readonly options: SessionOptions) {
    this.id = options.id;
    this.principal = options.principal;
    this.view = options.view;
    this.walk = this.startWalk(options.position);
    for (const reason of options.gaps) this.walk.gaps.add(reason);
    this.channel.behind.add(this);
  }

  /** @throws AppError `permission_denied` when the credential is another caller's. */
  updatePrincipal(principal: Principal): void {
    if (this.closed) return;
    if (principal.subject !== this.principal.subject || principal.tenant !== this.principal.tenant) {
      throw new AppError('permission_denied', 'The token is of another caller; open a connection of its own for it.');
    }
    const view = this.options.viewOf(principal);
    if (view === undefined) return this.end('access_withdrawn');
    this.principal = principal;
    this.warned = false;
    if (view.id === this.view.id) return;
    const live = this.walk === undefined;
    if (live) this.channel.leave(this);
    this.view = view;
    if (live) this.channel.join(this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.walk?.end();
    this.channel.leave(this);
    this.options.onEnd(this);
  }

  /** Last cursor, goodbye, gone. */
  end(code: ByeCode): void {
    if (this.closed) return;
    this.endedBy = code;
    this.sink.cursor(this.cursor());
    this.channel.options.metrics.byes.inc({ stream: this.channel.name, code });
    this.sink.bye(code, this.options.retryMs());
    this.close();
  }

  /** An end without a last cursor, when none can be made. */
  fail(): void {
    if (this.closed) return;
    this.endedBy = 'restart';
    this.sink.bye('restart', this.options.retryMs());
    this.close();
  }

  get bufferedBytes(): number {
    return this.sink.bufferedBytes();
  }

  get blocked(): boolean {
    return this.sink.bufferedBytes() > this.channel.options.limits.highWaterBytes;
  }

  give(delivery: (sink: SessionSink, cursor: string) => void): void {
    if (!this.closed) delivery(this.sink, this.cursor());
  }

  sayGap(reason: GapReason): void {
    if (this.closed) return;
    this.channel.options.metrics.gaps.inc({ stream: this.channel.name, reason });
    this.sink.gap(reason, this.cursor());
  }

  /** From live to behind, at the position before the run that it could not take. */
  fallBehind(): void {
    this.lagSinceMs = this.channel.options.now();
    this.channel.leave(this);
    this.walk = this.startWalk(this.channel.head.map((offsets) => [...offsets]));
    this.channel.behind.add(this);
  }

  /** Takes a session that is behind some way further; true when it can go on at once. */
  pump(): boolean {
    if (this.walk === undefined || this.closed || this.tooSlow() || this.blocked) return false;
    this.sayWalkGaps(this.walk);
    const got = this.takeBatch(this.walk);
    if (this.walk === undefined || this.closed) return false;
    if (this.overBudget()) this.skipAhead();
    else if (this.walk.arrived) this.joinLive();
    return got && this.walk !== undefined;
  }

  beat(nowMs: number): void {
    if (this.tooSlow() || this.closed) return;
    const leftMs = this.principal.expiresAtMs - nowMs;
    if (leftMs > 0 && !this.blocked) this.sink.cursor(this.cursor());
  }

  /** Ends the session with its credential, and says so some time before. */
  checkExpiry(nowMs: number): void {
    if (this.principal.withdrawn?.aborted === true) return this.end('access_withdrawn');
    const leftMs = this.principal.expiresAtMs - nowMs;
    if (leftMs <= 0) return this.end('token_expired');
    if (this.warned || leftMs > this.channel.options.limits.expiryNoticeMs) return;
    this.warned = true;
    this.sink.expiring(Math.ceil(leftMs / 1000));
  }

  onReset(reason: ResetReason, source: number, partition: number, next: bigint): void {
    const at = this.walk?.position[source]?.[partition] ?? 0n;
    // The tail's own lag is nothing to a reader that is behind it: that one meets the log's start by itself.
    if (reason === 'recreated' || (reason === 'truncated' && at > next)) {
      this.walk?.jump(source, partition, next, reason);
    }
  }

  onPartition(source: number, partition: number, start: bigint): void {
    this.walk?.jump(source, partition, start);
  }

  trim(source: number, partitions: number): void {
    this.walk?.trim(source, partitions);
  }

  get channel(): StreamChannel {
    return this.options.channel;
  }

  get caller(): Principal {
    return this.principal;
  }

  /** Next offsets by source and partition. */
  get position(): readonly (readonly bigint[])[] {
    return this.walk?.position ?? this.channel.head;
  }

  private get sink(): SessionSink {
    return this.options.sink;
  }

  private cursor(): string {
    return this.options.prefix + this.channel.sealed(this.walk?.position);
  }

  private startWalk(position: bigint[][]): Walk {
    const { feeds, buckets, now, onProgress } = this.channel.options;
    return new Walk({ feeds, buckets, position, target: () => this.channel.head, onProgress, now });
  }

  private takeBatch(walk: Walk): boolean {
    const { decoder, limits, metrics, now } = this.channel.options;
    const startedMs = now();
    const batch = new Batch(decoder, this.view, limits.batchBytes);
    const scanned = walk.scan(batch.visit, Math.min(maxRowsAtOnce, this.budget));
    this.scanned += scanned;
    this.spentMs += now() - startedMs;
    metrics.scanned.inc({ stream: this.channel.name }, scanned);
    this.tally.add(batch.count, batch.heldBack);
    const give = batch.close();
    if (give === undefined) return scanned > 0;
    metrics.rows.inc({ stream: this.channel.name }, batch.count);
    this.give(give);
    return true;
  }

  private sayWalkGaps(walk: Walk): void {
    const reasons = [...walk.gaps];
    walk.gaps.clear();
    for (const reason of reasons) this.sayGap(reason);
  }

  private overBudget(): boolean {
    if (this.caughtUp || this.walk === undefined || this.walk.arrived) return false;
    return this.budget <= 0 || this.spentMs + this.walk.readMs > this.channel.options.stream.resume.maxMs;
  }

  /** Records that this resume may still look at. Once it was live, the clock for slow readers bounds it instead. */
  private get budget(): number {
    return this.caughtUp ? Infinity : this.channel.options.stream.resume.maxScanned - this.scanned;
  }

  private skipAhead(): void {
    this.becomeLive();
    this.sayGap('too-far');
    this.sayCaughtUp();
  }

  private joinLive(): void {
    this.becomeLive();
    this.sayCaughtUp();
  }

  private becomeLive(): void {
    this.walk?.end();
    this.walk = undefined;
    this.lagSinceMs = undefined;
    this.channel.join(this);
  }

  private sayCaughtUp(): void {
    if (this.caughtUp || this.closed) return;
    this.caughtUp = true;
    this.sink.caughtUp(this.cursor());
  }

  private tooSlow(): boolean {
    const nowMs = this.channel.options.now();
    const { maxBlockedMs, maxLagMs } = this.channel.options.limits;
    if (!this.blocked) this.blockedSinceMs = undefined;
    else this.blockedSinceMs ??= nowMs;
    // Waiting for Kafka is not the reader's fault.
    if (this.lagSinceMs !== undefined && this.walk?.failure !== undefined) this.lagSinceMs = nowMs;
    const blockedMs = nowMs - (this.blockedSinceMs ?? nowMs);
    const lagMs = nowMs - (this.lagSinceMs ?? nowMs);
    if (blockedMs <= maxBlockedMs && lagMs <= maxLagMs) return false;
    this.end('too_slow');
    return true;
  }
}
