import { AppError } from '@tidegate/errors';
import type { ProduceMessage } from './kafkajs-internals';
import type { Placement } from './producer';

export interface Sending {
  topic: string;
  partition: number | undefined;
  message: ProduceMessage;
  bytes: number;
  deadlineMs: number;
}

/** A record between `send` and its outcome, which it hears exactly once. */
export class PendingRecord {
  readonly acknowledged: Promise<Placement>;
  private resolve: (placement: Placement) => void = () => undefined;
  private reject: (error: AppError) => void = () => undefined;
  private inFlight = false;
  /** A try ended without an answer: nobody can say whether the record was written. */
  private maybeWritten = false;
  settled = false;

  constructor(
    private readonly sending: Sending,
    private readonly onSettled: (record: PendingRecord) => void,
  ) {
    this.acknowledged = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get topic(): string {
    return this.sending.topic;
  }

  /** What the caller asked for, if anything. */
  get partition(): number | undefined {
    return this.sending.partition;
  }

  get message(): ProduceMessage {
    return this.sending.message;
  }

  get bytes(): number {
    return this.sending.bytes;
  }

  get deadlineMs(): number {
    return this.sending.deadlineMs;
  }

  onSending(): void {
    this.inFlight = true;
  }

  /** Kafka did not take it this time; `written` is `maybe` when no answer came. */
  onTryFailed(written: 'no' | 'maybe'): void {
    this.inFlight = false;
    if (written === 'maybe') this.maybeWritten = true;
  }

  succeed(placement: Placement): void {
    if (this.settle()) this.resolve(placement);
  }

  fail(error: AppError): void {
    if (this.settle()) this.reject(error);
  }

  /** True when it is over for this record, so that it must not be sent any more. */
  expire(nowMs: number): boolean {
    if (!this.settled && nowMs >= this.sending.deadlineMs) this.giveUp();
    return this.settled;
  }

  giveUp(): void {
    if (this.inFlight || this.maybeWritten) {
      const message = 'Kafka did not acknowledge in time; the record may or may not have been written.';
      return this.fail(new AppError('timeout', message, { outcome: 'unknown' }));
    }
    this.fail(new AppError('unavailable', 'Kafka is not available; nothing was written.', { retryAfterMs: 1_000 }));
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.onSettled(this);
    return true;
  }
}
