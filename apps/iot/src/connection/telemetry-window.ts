import type { Lane as LaneNumber, Status } from '@tidegate/wire';
import { Lane, type InFlight } from './lane';
import type { ConnectionOptions } from './options';
import { RateBucket } from './rate-bucket';

export interface Offered {
  lane: LaneNumber;
  seq: number;
  bytes: number;
}

/** `wait`: offer it again when something was settled. */
export type Verdict =
  | { kind: 'admitted'; frame: InFlight; jumped: boolean }
  | { kind: 'wait' }
  | { kind: 'acked'; upToSeq: number }
  | { kind: 'dropped' }
  | { kind: 'again'; status: Status; retryAfterMs: number; detail: string };

const backlogRetryMs = 1_000;
/** Refused frames behind one that waits for Kafka take a place each; beyond this many windows of them, reading stops. */
const refusedWindows = 4;

/** How much of a connection's telemetry may be under way at once, and in which order it is settled. */
export class TelemetryWindow {
  private readonly lanes: readonly [Lane, Lane];
  private readonly frames: RateBucket;
  private readonly bytes: RateBucket;
  private openFrames = 0;
  private openBytes = 0;

  constructor(
    private readonly options: ConnectionOptions,
    { live, backlog }: { live: number; backlog: number },
    nowMs: number,
  ) {
    this.lanes = [new Lane(live), new Lane(backlog)];
    this.frames = new RateBucket(options.framesPerSecond, nowMs);
    this.bytes = new RateBucket(options.bytesPerSecond, nowMs);
  }

  get open(): number {
    return this.openFrames;
  }

  acked(lane: LaneNumber): number {
    return this.lanes[lane].acked;
  }

  /** What becomes of a frame; one that waits is charged when it is offered again and gets in. */
  offer({ lane: number, seq, bytes }: Offered, nowMs: number): Verdict {
    const lane = this.lanes[number];
    const standing = lane.standing(seq);
    if (standing === 'acked') return { kind: 'acked', upToSeq: lane.acked };
    if (standing === 'pending' || standing === 'discarded') return { kind: 'dropped' };
    const { windowFrames, windowBytes, backlogWindowFrames } = this.options;
    const open = lane.open;
    if (number === 1 && open >= backlogWindowFrames) {
      lane.await(seq);
      const detail = `${backlogWindowFrames} frames of the backlog are under way`;
      return { kind: 'again', status: 'rateLimited', retryAfterMs: backlogRetryMs, detail };
    }
    const full = this.openFrames >= windowFrames || this.openBytes + bytes > windowBytes;
    if ((full && open > 0) || this.isCrowded(lane)) return { kind: 'wait' };
    const waitMs = Math.max(this.frames.wait(1, nowMs), this.bytes.wait(bytes, nowMs));
    if (waitMs > 0) {
      lane.await(seq);
      return {
        kind: 'again',
        status: 'rateLimited',
        retryAfterMs: waitMs,
        detail: 'too many frames or bytes a second',
      };
    }
    this.frames.take(1);
    this.bytes.take(bytes);
    this.openFrames += 1;
    this.openBytes += bytes;
    return { kind: 'admitted', frame: lane.admit(seq, bytes), jumped: standing === 'jump' };
  }

  /** A frame that was refused before it could get in, with an outcome that settles it. */
  refuse({
    lane: number,
    seq,
  }: Omit<Offered, 'bytes'>): Extract<Verdict, { kind: 'acked' | 'dropped' | 'wait' }> | 'refused' {
    const lane = this.lanes[number];
    const standing = lane.standing(seq);
    if (standing === 'acked') return { kind: 'acked', upToSeq: lane.acked };
    if (standing === 'pending' || standing === 'discarded') return { kind: 'dropped' };
    if (this.isCrowded(lane)) return { kind: 'wait' };
    lane.settle(lane.admit(seq, 0), 'refused');
    return 'refused';
  }

  /** @returns up to where to acknowledge now, if anywhere */
  settle(lane: LaneNumber, frame: InFlight, outcome: 'written' | 'refused'): number | undefined {
    if (frame.outcome !== 'open') return undefined;
    this.release(frame);
    return this.lanes[lane].settle(frame, outcome);
  }

  /** @returns false when the frame had been withdrawn with an earlier one */
  withdraw(lane: LaneNumber, frame: InFlight): boolean {
    if (frame.outcome !== 'open') return false;
    for (const one of this.lanes[lane].withdraw(frame)) this.release(one);
    return true;
  }

  private isCrowded(lane: Lane): boolean {
    return lane.length >= refusedWindows * this.options.windowFrames;
  }

  private release({ bytes }: InFlight): void {
    this.openFrames -= 1;
    this.openBytes -= bytes;
  }
}
