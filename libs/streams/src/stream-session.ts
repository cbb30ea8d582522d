import type { Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { ResetReason } from '@tidegate/kafka';
import type { Delivery } from './batch';
import type { CatchUp } from './catch-up';
import { Conflation, type ConflationStart } from './conflation';
import type { Follower } from './follower';
import { Replay } from './replay';
import { RowTally } from './row-tally';
import type { ByeCode, GapReason, SessionSink } from './session-sink';
import type { Sight } from './sight';
import { SlowClock } from './slow-clock';
import type { StreamChannel } from './stream-channel';
import { unreadable } from './unreadable';
import type { Spoke } from './wheel';

/** Where a session begins. */
export type SessionStart =
  { mode: 'events'; position: bigint[][]; gaps: readonly GapReason[] } | ({ mode: 'latest' } & ConflationStart);

export interface SessionOptions {
  id: string;
  principal: Principal;
  sight: Sight;
  sink: SessionSink;
  channel: StreamChannel;
  /** The caller's half of its cursors, with what it has seen where that counts. */
  prefix: (sight?: string) => string;
  start: SessionStart;
  /** What the caller sees now; undefined when that is nothing any more. */
  sightOf: (principal: Principal) => Sight | undefined;
  retryMs: () => number;
  /** Moves the durable position; there where the subscription is durable. */
  ack?: ((cursor: string) => void) | undefined;
  /** How far rows may go out, where they go out at most once. */
  gate?: (() => readonly (readonly bigint[])[]) | undefined;
  /** No longer there, for whatever reason. Called once. */
  onEnd: (session: StreamSession) => void;
}

/** One reader of one stream: behind, with a position of its own, or live, where all stand at the channel's head. */
export class StreamSession implements Spoke, Follower {
  readonly id: string;
  readonly tally = new RowTally();
  readonly mode: 'events' | 'latest';
  sight: Sight;
  /** What ended it: a reason of ours, or the reader. */
  endedBy: ByeCode | 'closed' = 'closed';
  private principal: Principal;
  private catchUp: CatchUp | undefined;
  private closed = false;
  private caughtUp = false;
  private warned = false;
  private readonly clock: SlowClock;
  private prefix = '';
  private prefixOf: Sight | undefined;

  constructor(private readonly options: SessionOptions) {
    const { start, channel } = options;
    this.id = options.id;
    this.principal = options.principal;
    this.sight = options.sight;
    this.mode = start.mode;
    this.clock = new SlowClock(channel.options.limits, options.sink);
    this.catchUp = start.mode === 'events' ? new Replay(this, start.position, start.gaps) : this.conflation(start);
    channel.behind.add(this);
  }

  /** @throws AppError `permission_denied` when the credential is another caller's. */
  updatePrincipal(principal: Principal): void {
    if (this.closed) return;
    if (principal.subject !== this.principal.subject || principal.tenant !== this.principal.tenant) {
      throw new AppError('permission_denied', 'The token is of another caller; open a connection of its own for it.');
    }
    const sight = this.options.sightOf(principal);
    if (sight === undefined) return this.end('access_withdrawn');
    // Other topics may be read now, or fewer.
    if (!this.channel.isFor(sight.scope)) return this.end('restart');
    this.principal = principal;
    this.warned = false;
    if (sight.id !== this.sight.settled.id) this.see(sight);
  }

  /** @throws AppError `unprocessable` when the subscription is not durable, and what opening the cursor does */
  ack(cursor: string): void {
    if (this.options.ack === undefined) {
      throw new AppError('unprocessable', 'The subscription is not durable; subscribe with sub to acknowledge.');
    }
    this.options.ack(cursor);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.catchUp?.end();
    this.channel.leave(this);
    this.options.onEnd(this);
  }

  /** Last cursor, goodbye, gone. */
  end(code: ByeCode): void {
    if (this.closed) return;
    this.endedBy = code;
    this.sink.cursor(this.cursor());
    this.channel.options.metrics.byes.inc({ stream: this.stream, code });
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

  give(delivery: Delivery): void {
    if (!this.closed) delivery(this.sink, this.cursor());
  }

  sayGap(reason: GapReason): void {
    if (this.closed) return;
    this.channel.options.metrics.gaps.inc({ stream: this.stream, reason });
    this.sink.gap(reason, this.cursor());
  }

  /** The wait is going to be long, or for ever. */
  sayUnavailable(): void {
    if (!this.closed) this.sink.unavailable(unreadable().message);
  }

  /** From live to behind, at the position before the run that it could not take. */
  fallBehind(): void {
    this.clock.startLagging(this.channel.options.now());
    this.follow(() => new Replay(this, this.channel.positionOfHead()));
  }

  /** From live to behind, where what changes meanwhile is given once. */
  conflateFrom(version: number): void {
    this.follow(() => this.conflation({ version, position: this.channel.positionOfHead() }));
  }

  /** All last values are given anew, after a gap: what the reader has may be gone. */
  startOver(reason: GapReason): void {
    if (!this.closed) this.snapshot({ gaps: [reason] });
  }

  /** Takes a session that is behind some way further; true when it can go on at once. */
  pump(): boolean {
    if (this.catchUp === undefined || this.closed || this.tooSlow() || this.blocked) return false;
    return this.catchUp.pump();
  }

  beat(nowMs: number): void {
    if (this.closed || this.tooSlow()) return;
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
    this.catchUp?.onReset(reason, source, partition, next);
  }

  onPartition(source: number, partition: number, start: bigint): void {
    this.catchUp?.onPartition(source, partition, start);
  }

  trim(source: number, partitions: number): void {
    this.catchUp?.trim(source, partitions);
  }

  /** The way to live was longer than it may be. */
  skipAhead(): void {
    const position = this.position.map((offsets) => [...offsets]);
    // Whoever is cut off before all values are out finds the way too long again.
    if (this.channel.lastValues !== undefined) return this.snapshot({ gaps: ['too-far'], position });
    this.becomeLive();
    this.sayGap('too-far');
    this.sayCaughtUp();
  }

  joinLive(): void {
    this.becomeLive();
    this.sayCaughtUp();
  }

  /** Has all last values but the ones of this delivery. */
  levelWith(last: Delivery | undefined, partial: boolean): void {
    this.becomeLive();
    if (last !== undefined) this.give(last);
    if (partial) this.sayGap('snapshot-limit');
    this.sayCaughtUp();
  }

  isBehindWith(catchUp: CatchUp): boolean {
    return !this.closed && this.catchUp === catchUp;
  }

  get gate(): (() => readonly (readonly bigint[])[]) | undefined {
    return this.options.gate;
  }

  get hasCaughtUp(): boolean {
    return this.caughtUp;
  }

  /** The name that it follows, which the channel has or is a view of it. */
  get stream(): string {
    return this.sight.stream;
  }

  get channel(): StreamChannel {
    return this.options.channel;
  }

  get caller(): Principal {
    return this.principal;
  }

  /** Next offsets by source and partition. */
  get position(): readonly (readonly bigint[])[] {
    return this.catchUp?.position ?? this.channel.head;
  }

  private get sink(): SessionSink {
    return this.options.sink;
  }

  private cursor(): string {
    if (this.prefixOf !== this.sight) {
      this.prefixOf = this.sight;
      this.prefix = this.options.prefix(this.mode === 'latest' ? this.sight.id : undefined);
    }
    return this.prefix + this.channel.sealed(this.stream, this.catchUp?.position);
  }

  /** Rows of a replay are simply judged by the new sight; last values have to be given, or taken back, anew. */
  private see(sight: Sight): void {
    const live = this.catchUp === undefined;
    const conflated = this.mode === 'latest' || this.catchUp instanceof Conflation;
    const outstanding = this.catchUp instanceof Conflation ? this.catchUp.outstanding() : {};
    if (conflated) this.catchUp?.end();
    if (conflated || live) this.channel.leave(this);
    this.sight = conflated ? sight.after(this.sight) : sight;
    if (conflated) this.snapshot(outstanding);
    else if (live) this.channel.join(this);
  }

  private snapshot(over: Partial<ConflationStart>): void {
    this.caughtUp = false;
    this.follow(() => this.conflation({ version: 0, position: this.channel.positionOfNothing(), ...over }));
    this.channel.options.onProgress();
  }

  private conflation(start: ConflationStart): Conflation {
    return new Conflation(this, this.channel.latestGroup(this.sight), start);
  }

  private follow(catchUp: () => CatchUp): void {
    this.catchUp?.end();
    // Before leaving, so that its group outlives the change.
    this.catchUp = catchUp();
    this.channel.leave(this);
    this.channel.behind.add(this);
  }

  private becomeLive(): void {
    this.catchUp?.end();
    this.catchUp = undefined;
    this.clock.stopLagging();
    this.channel.leave(this);
    this.sight = this.sight.settled;
    // Who gets rows at most once never stands with the others, since the position goes first.
    if (this.gate !== undefined) this.follow(() => new Replay(this, this.channel.positionOfHead()));
    else this.channel.join(this);
  }

  sayCaughtUp(): void {
    if (this.caughtUp || this.closed) return;
    this.caughtUp = true;
    this.sink.caughtUp(this.cursor());
  }

  private tooSlow(): boolean {
    const nowMs = this.channel.options.now();
    if (!this.clock.isOver(nowMs, this.mode, this.catchUp?.waitsForKafka === true)) return false;
    this.end('too_slow');
    return true;
  }
}
