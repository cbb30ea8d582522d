import { isAfter, nextSeq } from './sequence';

/** A Telemetry frame between its receipt and its outcome. */
export interface InFlight {
  readonly seq: number;
  readonly bytes: number;
  outcome: 'open' | 'written' | 'refused' | 'withdrawn';
}

/**
 * What a frame is to its lane: `next` in line or a `jump` ahead; `acked` before; `pending`, under way already; or
 * `discarded`, since an earlier one must come again first.
 */
export type Standing = 'next' | 'jump' | 'acked' | 'pending' | 'discarded';

/** The frames of one lane in their order. `seq` 0 stands for none. */
export class Lane {
  private readonly inFlight: InFlight[] = [];
  private newest: number;
  /** Was refused without being settled: everything else waits until it comes. */
  private awaited = 0;

  constructor(private ackedSeq = 0) {
    this.newest = ackedSeq;
  }

  /** All up to here is settled. */
  get acked(): number {
    return this.ackedSeq;
  }

  /** Frames that are not settled up to, whatever their own outcome. */
  get length(): number {
    return this.inFlight.length;
  }

  get open(): number {
    return this.inFlight.reduce((open, { outcome }) => open + (outcome === 'open' ? 1 : 0), 0);
  }

  standing(seq: number): Standing {
    if (this.ackedSeq !== 0 && !isAfter(seq, this.ackedSeq)) return 'acked';
    if (this.awaited !== 0 && seq !== this.awaited) return 'discarded';
    if (this.newest !== 0 && !isAfter(seq, this.newest)) return 'pending';
    return this.newest !== 0 && seq !== nextSeq(this.newest) ? 'jump' : 'next';
  }

  /** Takes a frame that stands `next` or as a `jump`. */
  admit(seq: number, bytes: number): InFlight {
    const frame: InFlight = { seq, bytes, outcome: 'open' };
    this.inFlight.push(frame);
    this.newest = seq;
    this.awaited = 0;
    return frame;
  }

  /** The frame must come again, and what comes before it does is discarded. */
  await(seq: number): void {
    this.awaited = seq;
  }

  /**
   * The outcome of a frame is final.
   * @returns up to where to acknowledge now, if anything was written that was not acknowledged yet
   */
  settle(frame: InFlight, outcome: 'written' | 'refused'): number | undefined {
    if (frame.outcome !== 'open') return undefined;
    frame.outcome = outcome;
    let written = false;
    for (let head = this.inFlight[0]; head !== undefined && head.outcome !== 'open'; head = this.inFlight[0]) {
      written ||= head.outcome === 'written';
      this.ackedSeq = head.seq;
      this.inFlight.shift();
    }
    return written ? this.ackedSeq : undefined;
  }

  /** The frame was not written: it and all behind it must come again. @returns those that were still open */
  withdraw(frame: InFlight): InFlight[] {
    const at = this.inFlight.indexOf(frame);
    if (at < 0) return [];
    const open = this.inFlight.splice(at).filter(({ outcome }) => outcome === 'open');
    for (const one of open) one.outcome = 'withdrawn';
    this.newest = this.inFlight.at(-1)?.seq ?? this.ackedSeq;
    this.awaited = frame.seq;
    return open;
  }
}
