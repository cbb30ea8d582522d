import { AppError } from '@tidegate/errors';
import type { OutgoingBatch } from './outgoing-batch';
import type { OutgoingRecord } from './outgoing-record';
import type { PendingRecords } from './pending-records';
import type { Placement } from './producer';

export interface Caller {
  resolve(placement: Placement): void;
  reject(error: AppError): void;
}

/** A record between `send` and its outcome, which it hears exactly once. */
export class PendingRecord {
  readonly topic: string;
  /** What the caller asked for, if anything. */
  readonly partition: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Buffer | undefined;
  readonly bytes: number;
  /** The batch that it left or is about to leave with. */
  batch: OutgoingBatch | undefined;
  /** Counts against the bytes that may wait for Kafka. */
  admitted = false;
  settled = false;

  constructor(
    { topic, partition, key, value, headers, bytes }: OutgoingRecord,
    readonly sentAtMs: number,
    readonly deadlineMs: number,
    private readonly caller: Caller,
    private readonly owner: PendingRecords,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.key = key;
    this.value = value;
    this.headers = headers;
    this.bytes = bytes;
  }

  succeed(placement: Placement): void {
    if (this.settle()) this.caller.resolve(placement);
  }

  fail(error: AppError): void {
    if (this.settle()) this.caller.reject(error);
  }

  /** True when it is over for this record. */
  expire(nowMs: number): boolean {
    if (!this.settled && nowMs >= this.deadlineMs) {
      this.owner.onExpired();
      this.giveUp();
    }
    return this.settled;
  }

  giveUp(): void {
    if (this.batch?.mayStand) {
      const message = 'Kafka did not acknowledge in time; the record may or may not have been written.';
      return this.fail(new AppError('timeout', message, { outcome: 'unknown' }));
    }
    this.fail(new AppError('unavailable', 'Kafka is not available; nothing was written.', { retryAfterMs: 1_000 }));
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.owner.remove(this);
    return true;
  }
}
