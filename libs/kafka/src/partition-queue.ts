import { AppError } from '@tidegate/errors';
import { NotSent } from './cluster';
import { kafkaCodeName, kafkaCodeOf, kafkaCodes, translateKafkaError } from './errors';
import type { PendingRecord } from './pending-record';
import { backoffMs, delay } from './timing';

export interface Place {
  topic: string;
  partition: number;
}

/** Writes one batch and resolves to the offset of its first record. `onSending` is called when it is about to leave this process. */
export type WriteBatch = (place: Place, records: readonly PendingRecord[], onSending: () => void) => Promise<bigint>;

export interface BatchLimits {
  maxRecords: number;
  maxBytes: number;
}

type Verdict =
  | { kind: 'again'; written: 'no' | 'maybe' }
  | { kind: 'split'; error: AppError }
  | { kind: 'hopeless'; error: AppError };

const firstRetryMs = 50;
const maxRetryMs = 500;

/** Refusals for the sake of one record: its neighbours must not suffer for it. */
const recordRefusals = new Set<number>([
  kafkaCodes.messageTooLarge,
  kafkaCodes.recordListTooLarge,
  kafkaCodes.invalidRecord,
  kafkaCodes.invalidTimestamp,
]);

/** Answers after which the records may stand in the log all the same. */
const unclear = new Set<number>([
  -1,
  kafkaCodes.requestTimedOut,
  kafkaCodes.networkException,
  kafkaCodes.notEnoughReplicasAfterAppend,
]);

/** Leaders move, logs are offline for a moment, epochs are fenced: nothing was written, and it works again soon. */
const passing = new Set<number>([
  kafkaCodes.corruptMessage,
  kafkaCodes.unknownTopicOrPartition,
  kafkaCodes.leaderNotAvailable,
  kafkaCodes.notLeaderOrFollower,
  kafkaCodes.notEnoughReplicas,
  kafkaCodes.unknownTopicId,
  8,
  9,
  56,
  74,
  75,
]);

/**
 * The records of one partition in the order of their `send`. One request is in flight at a time, which keeps that order over retries; what
 * is queued meanwhile leaves as the next batch.
 */
export class PartitionQueue {
  private waiting: PendingRecord[] = [];
  private running = false;
  /** Waiting and in flight. */
  bytes = 0;

  constructor(
    private readonly place: Place,
    private readonly limits: BatchLimits,
    private readonly write: WriteBatch,
  ) {}

  push(record: PendingRecord): void {
    this.waiting.push(record);
    this.bytes += record.bytes;
    if (this.running) return;
    this.running = true;
    // After the caller's turn, so that records sent together leave together.
    queueMicrotask(() => void this.run());
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.takeBatch();
      await this.deliver(batch);
      for (const { bytes } of batch) this.bytes -= bytes;
    }
    this.running = false;
  }

  private takeBatch(): PendingRecord[] {
    let count = 0;
    let bytes = 0;
    for (const record of this.waiting) {
      if (count > 0 && (count >= this.limits.maxRecords || bytes + record.bytes > this.limits.maxBytes)) break;
      count += 1;
      bytes += record.bytes;
    }
    const batch = this.waiting.slice(0, count);
    this.waiting = this.waiting.slice(count);
    return batch;
  }

  private async deliver(batch: PendingRecord[]): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      // A record whose caller was told otherwise must not turn up in the log later.
      const alive = batch.filter((record) => !record.expire(Date.now()));
      if (alive.length === 0) return;
      const verdict = await this.attempt(alive);
      if (!verdict) return;
      if (verdict.kind === 'hopeless' || (verdict.kind === 'split' && alive.length === 1)) {
        for (const record of alive) record.fail(verdict.error);
        return;
      }
      if (verdict.kind === 'split') {
        const half = Math.ceil(alive.length / 2);
        await this.deliver(alive.slice(0, half));
        return this.deliver(alive.slice(half));
      }
      await delay(backoffMs(attempt, firstRetryMs, maxRetryMs));
    }
  }

  /** Undefined when the batch was acknowledged. */
  private async attempt(batch: readonly PendingRecord[]): Promise<Verdict | undefined> {
    const { topic, partition } = this.place;
    try {
      const baseOffset = await this.write(this.place, batch, () => {
        for (const record of batch) record.onSending();
      });
      batch.forEach((record, index) =>
        record.succeed({ topic, partition, offset: String(baseOffset + BigInt(index)) }),
      );
      return undefined;
    } catch (error) {
      const verdict = judge(error, topic);
      const written = verdict.kind === 'again' ? verdict.written : 'no';
      for (const record of batch) record.onTryFailed(written);
      return verdict;
    }
  }
}

function judge(error: unknown, topic: string): Verdict {
  if (error instanceof NotSent) return { kind: 'again', written: 'no' };
  if (AppError.is(error)) {
    return error.code === 'unavailable' ? { kind: 'again', written: 'no' } : { kind: 'hopeless', error };
  }
  const code = kafkaCodeOf(error);
  if (code === undefined || unclear.has(code)) return { kind: 'again', written: 'maybe' };
  if (passing.has(code)) return { kind: 'again', written: 'no' };
  if (recordRefusals.has(code)) return { kind: 'split', error: refused(code, error) };
  return { kind: 'hopeless', error: translateKafkaError(error, `write to ${topic}`) };
}

function refused(code: number, cause: unknown): AppError {
  if (code === kafkaCodes.messageTooLarge || code === kafkaCodes.recordListTooLarge) {
    return new AppError('too_large', 'The record is larger than its Kafka topic allows.', { cause });
  }
  return new AppError('invalid_argument', `Kafka refuses the record: ${kafkaCodeName(code)}.`, { cause });
}
