import { AppError } from '@tidegate/errors';
import { BatchNumbering } from './batch-numbering';
import type { Compression } from './compression';
import { KafkaErrorCode, kafkaCodeName, kafkaCodes, translateKafkaError } from './errors';
import type { KafkaMetrics } from './metrics';
import { OutgoingBatch } from './outgoing-batch';
import type { PendingRecord } from './pending-record';
import type { PartitionAnswer } from './produce';
import { verdictOf, type Verdict } from './produce-verdict';
import type { ProducerIds } from './producer-ids';

export interface QueueOptions {
  compression: Compression;
  maxBatchBytes: number;
  /** With so much waiting, a queue is worth a request of its own. */
  fullBytes: number;
  ids: ProducerIds;
  metrics: KafkaMetrics;
  /** Called when a queue that had nothing to send has something, and when one that waits becomes full. */
  onReady(queue: PartitionQueue): void;
}

/** What comes after a try: nothing, the next batch at once, or the same records after a pause. */
export type Next = 'idle' | 'ready' | 'later';

/** After a refused batch was halved: back to what the topic takes, and not far beyond it. */
const batchGrowth = 1.125;

type Refusal = Exclude<Verdict, 'acknowledged' | 'duplicate'>;

/**
 * The records of one partition in the order of their `send`. One batch is in flight at a time, numbered by the partition's own epoch and
 * sequence, so that neither order nor number of records suffers from retries.
 */
export class PartitionQueue {
  /** Tries in a row that did not end well. */
  failures = 0;
  /** Batches taken from what waits, so far. */
  batches = 0;
  /** Its replicas are behind: the broker held the last try until the time for that was over. */
  isSlow = false;
  private waiting: PendingRecord[] = [];
  private waitingBytes = 0;
  private batch: OutgoingBatch | undefined;
  private readonly numbering: BatchNumbering;
  private maxBatchBytes: number;
  private state: 'idle' | 'ready' | 'away' = 'idle';

  constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly options: QueueOptions,
  ) {
    this.maxBatchBytes = options.maxBatchBytes;
    this.numbering = new BatchNumbering(options.ids);
  }

  /** Waiting and in flight. */
  get bytes(): number {
    return this.waitingBytes + (this.batch?.bytes ?? 0);
  }

  /** Of those that no batch has taken yet. */
  get unbatchedBytes(): number {
    return this.waitingBytes;
  }

  get isFull(): boolean {
    return this.waitingBytes >= this.options.fullBytes;
  }

  get needsProducerId(): boolean {
    return this.numbering.needsProducerId;
  }

  push(record: PendingRecord): void {
    const wasFull = this.isFull;
    this.waiting.push(record);
    this.waitingBytes += record.bytes;
    if (this.state === 'away' || (this.state === 'ready' && (wasFull || !this.isFull))) return;
    this.state = 'ready';
    this.options.onReady(this);
  }

  /** The bytes to send now, or undefined when nobody waits any more. */
  seal(nowMs: number): Buffer | undefined {
    while (this.state === 'ready') {
      const batch = (this.batch ??= this.takeBatch());
      if (!batch) this.state = 'idle';
      else if (!batch.isWanted(nowMs)) this.dropBatch(batch);
      else {
        this.state = 'away';
        return batch.seal(this.numbering.identity(), this.options.compression);
      }
    }
    return undefined;
  }

  onAnswer(answer: PartitionAnswer, nowMs: number): Next {
    const { batch } = this;
    if (!batch) return this.next('ready');
    const verdict = verdictOf(answer.errorCode);
    if (verdict === 'acknowledged' || verdict === 'duplicate') {
      // A duplicate stands in the log, but the broker does not know any more at which offset.
      this.onWritten(batch, verdict === 'duplicate' ? -1n : answer.baseOffset, nowMs);
      return this.next('ready');
    }
    batch.onTryFailed(verdict === 'unclear' ? 'maybe' : 'no');
    if (answer.errorCode === kafkaCodes.requestTimedOut) this.isSlow = true;
    return this.next(this.onRefused(batch, verdict, answer));
  }

  /** A try ended without an answer; `written` is `no` when nothing left this process. */
  onNoAnswer(written: 'no' | 'maybe'): Next {
    this.batch?.onTryFailed(written);
    return this.next('later');
  }

  /** After the pause that follows a failure. */
  resume(): void {
    this.state = 'ready';
  }

  /** Ends everything, as when the topic is gone. */
  fail(error: AppError): void {
    for (const record of this.batch?.records ?? []) record.fail(error);
    for (const record of this.waiting) record.fail(error);
  }

  /** Ends what is over, lets go of it, and tells the earliest deadline of the rest. */
  sweep(nowMs: number): number {
    let nextMs = Infinity;
    let overBytes = 0;
    for (const record of this.batch?.records ?? []) {
      if (!record.expire(nowMs)) nextMs = Math.min(nextMs, record.deadlineMs);
    }
    for (const record of this.waiting) {
      if (record.expire(nowMs)) overBytes += record.bytes;
      else nextMs = Math.min(nextMs, record.deadlineMs);
    }
    // A batch ahead of them may be tried for long, and the bytes of those that gave up are free for others.
    if (overBytes > 0) this.waiting = this.waiting.filter(({ settled }) => !settled);
    this.waitingBytes -= overBytes;
    return nextMs;
  }

  private next(wish: 'ready' | 'later'): Next {
    this.failures = wish === 'later' ? this.failures + 1 : 0;
    const next = this.batch || this.waiting.length > 0 ? wish : 'idle';
    this.state = next === 'later' ? 'away' : next;
    return next;
  }

  private takeBatch(): OutgoingBatch | undefined {
    const records: PendingRecord[] = [];
    let bytes = 0;
    let taken = 0;
    this.batches += 1;
    for (const record of this.waiting) {
      if (records.length > 0 && bytes + record.bytes > this.maxBatchBytes) break;
      taken += 1;
      this.waitingBytes -= record.bytes;
      if (record.settled) continue;
      records.push(record);
      bytes += record.bytes;
    }
    this.waiting = taken === this.waiting.length ? [] : this.waiting.slice(taken);
    return records.length > 0 ? new OutgoingBatch(records, bytes) : undefined;
  }

  private onWritten(batch: OutgoingBatch, baseOffset: bigint, nowMs: number): void {
    this.numbering.onWritten(batch.records.length);
    this.maxBatchBytes = Math.min(this.options.maxBatchBytes, Math.ceil(this.maxBatchBytes * batchGrowth));
    this.batch = undefined;
    // One batch at the first try shows that the replicas have caught up.
    if (this.failures === 0) this.isSlow = false;
    this.observe(batch, nowMs);
    batch.succeed(this.topic, this.partition, baseOffset, nowMs);
  }

  private observe({ records, sealedBytes }: OutgoingBatch, nowMs: number): void {
    const { sendSeconds, batchRecords, batchBytes } = this.options.metrics;
    // Once a batch: once a record would be a tenth of all that a record costs.
    sendSeconds.observe((nowMs - (records[0]?.sentAtMs ?? nowMs)) / 1000);
    batchRecords.observe(records.length);
    batchBytes.observe(sealedBytes);
  }

  private onRefused(batch: OutgoingBatch, verdict: Refusal, answer: PartitionAnswer): 'ready' | 'later' {
    switch (verdict) {
      case 'again':
      case 'unclear':
        return 'later';
      case 'renew':
        this.numbering.renew(answer.errorCode);
        batch.unseal();
        return 'later';
      case 'bad records':
        this.sift(batch, answer);
        return 'ready';
      case 'refused':
        this.refuse(batch, answer);
        return 'ready';
    }
  }

  private refuse(batch: OutgoingBatch, { errorCode, errorMessage }: PartitionAnswer): void {
    batch.fail(refusal(errorCode, errorMessage, this.topic));
    this.dropBatch(batch);
  }

  /**
   * Ends the records that the broker names; where it names none, halves the batch until the bad one stands alone. An earlier try without an
   * answer changes nothing: what is refused for its content was refused then too.
   */
  private sift(batch: OutgoingBatch, { errorCode, errorMessage, recordErrors }: PartitionAnswer): void {
    const { records } = batch;
    for (const { index, message } of recordErrors) {
      records[index]?.fail(refusal(errorCode, message ?? errorMessage, this.topic));
    }
    if (records.length === 1) records[0]?.fail(refusal(errorCode, errorMessage, this.topic));
    else if (!records.some(({ settled }) => settled)) this.maxBatchBytes = Math.ceil(batch.bytes / 2);
    this.batch = undefined;
    this.waiting = [...records, ...this.waiting];
    this.waitingBytes += records.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** What is given up may still reach the log, but not after the next batch, whose epoch shuts it out. */
  private dropBatch(batch: OutgoingBatch): void {
    this.batch = undefined;
    if (batch.mayStand) this.numbering.renew();
  }
}

function refusal(code: number, message: string | null, topic: string): AppError {
  if (code === kafkaCodes.messageTooLarge || code === kafkaCodes.recordListTooLarge) {
    return new AppError('too_large', 'The record is larger than its Kafka topic allows.');
  }
  if (verdictOf(code) === 'bad records') {
    return new AppError('invalid_argument', `Kafka refuses the record: ${message ?? kafkaCodeName(code)}`);
  }
  return translateKafkaError(new KafkaErrorCode(code, message ?? 'refused'), `write to ${topic}`);
}
