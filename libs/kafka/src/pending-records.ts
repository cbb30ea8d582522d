import { AppError } from '@tidegate/errors';
import type { PendingRecord } from './pending-record';

/** Deadlines are kept to about this. */
const sweepMs = 20;

/** Node's timers fire at once when asked for more. */
const longestTimerMs = 2 ** 31 - 1;

export interface PendingLimits {
  maxBytes: number;
  whenFull: 'wait' | 'reject';
}

export interface PendingHooks {
  /** Has room now. */
  onAdmitted(record: PendingRecord): void;
  onExpired(): void;
  /** Ends what is over wherever it waits, and tells the earliest deadline of the rest. */
  sweep(nowMs: number): number;
}

/** All records without an outcome yet: bounds their bytes, and sees to it that each ends at its deadline. */
export class PendingRecords {
  /** Of those that have room. */
  bytes = 0;
  /** Those that wait for room, in the order of their `send`. */
  private waiting: PendingRecord[] = [];
  private admittedOfWaiting = 0;
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  private sweepAtMs = Infinity;
  private onEmpty: () => void = () => undefined;

  constructor(
    private readonly limits: PendingLimits,
    private readonly hooks: PendingHooks,
  ) {}

  /** @throws AppError unavailable when there is no room and nobody may wait */
  add(record: PendingRecord): void {
    const fits = this.waiting.length === 0 && this.fits(record);
    if (!fits && this.limits.whenFull === 'reject') {
      throw new AppError('unavailable', 'Too much is waiting for Kafka; nothing was written.', { retryAfterMs: 1_000 });
    }
    this.count += 1;
    if (record.deadlineMs < this.sweepAtMs) this.sweepBy(record.deadlineMs);
    if (fits) this.admit(record);
    else this.waiting.push(record);
  }

  remove(record: PendingRecord): void {
    this.count -= 1;
    if (record.admitted) {
      this.bytes -= record.bytes;
      if (this.waiting.length > 0) this.admitWaiting();
    }
    if (this.count === 0) this.onEmpty();
  }

  onExpired(): void {
    this.hooks.onExpired();
  }

  async drained(): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
  }

  /** Ends all there are. */
  giveUp(): void {
    clearTimeout(this.timer);
    this.sweepAtMs = -Infinity;
    this.expire(Infinity);
  }

  private fits({ bytes }: PendingRecord): boolean {
    return this.bytes + bytes <= this.limits.maxBytes;
  }

  private admit(record: PendingRecord): void {
    record.admitted = true;
    this.bytes += record.bytes;
    this.hooks.onAdmitted(record);
  }

  private admitWaiting(): void {
    for (; this.admittedOfWaiting < this.waiting.length; this.admittedOfWaiting += 1) {
      const record = this.waiting[this.admittedOfWaiting] as PendingRecord;
      if (record.settled) continue;
      if (!this.fits(record)) break;
      this.admit(record);
    }
    if (this.admittedOfWaiting * 2 >= this.waiting.length) this.dropAdmitted();
  }

  private dropAdmitted(): void {
    this.waiting = this.waiting.slice(this.admittedOfWaiting);
    this.admittedOfWaiting = 0;
  }

  private sweepBy(deadlineMs: number): void {
    clearTimeout(this.timer);
    this.sweepAtMs = deadlineMs;
    this.timer = setTimeout(
      () => {
        this.sweepAtMs = Infinity;
        const nextMs = this.expire(Date.now());
        if (nextMs < this.sweepAtMs) this.sweepBy(nextMs);
      },
      Math.min(Math.max(deadlineMs - Date.now(), sweepMs), longestTimerMs),
    );
  }

  /** Those that wait go first: room that others leave is not for the dead. */
  private expire(nowMs: number): number {
    this.dropAdmitted();
    this.waiting = this.waiting.filter((record) => !record.expire(nowMs));
    const nextMs = this.waiting.reduce((earliest, { deadlineMs }) => Math.min(earliest, deadlineMs), Infinity);
    return Math.min(nextMs, this.hooks.sweep(nowMs));
  }
}
