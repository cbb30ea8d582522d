import { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import { Cluster } from './cluster';
import { KafkaErrorCode, kafkaCodeName, kafkaCodeOf, kafkaCodes } from './errors';
import type { TopicMetadata } from './metadata';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { outgoingRecord } from './outgoing-record';
import { PendingRecord } from './pending-record';
import { PendingRecords } from './pending-records';
import { backoffMs, delay, within } from './timing';
import { TopicDirectory } from './topic-directory';
import { TopicQueues, type Place } from './topic-queues';
import { mebibyte } from './units';

export type ProducerOptions = KafkaOptions & {
  /** Deadline of a record, from `send` to its acknowledgement; 10 s by default. */
  timeoutMs?: number;
  /** Bytes of all records not acknowledged yet; 64 MiB by default. Beyond it `send` rejects with `unavailable`. */
  maxQueueBytes?: number;
  /** Largest record accepted; 1,000,000 bytes by default, a little below the broker's own limit. */
  maxRecordBytes?: number;
};

export interface ProducerRecord {
  topic: string;
  key: string | Buffer | null;
  /** null is a tombstone. */
  value: string | Buffer | null;
  headers?: Record<string, string | Buffer>;
  /** Default: by murmur2 of the key as Java's producer does it; without a key, where the least waits. */
  partition?: number;
}

export interface SendOptions {
  timeoutMs?: number;
}

/** Where an acknowledged record stands; `offset` is a decimal string. */
export interface Placement {
  topic: string;
  partition: number;
  offset: string;
}

const defaults = { timeoutMs: 10_000, maxQueueBytes: 64 * mebibyte, maxRecordBytes: 1_000_000 };
/** A keyed record goes where the number of partitions says, so new partitions are noticed within this. */
const metadataMaxAgeMs = 60_000;
const firstRetryMs = 50;
const maxRetryMs = 500;
const closeTimeoutMs = 5_000;
/** Metadata younger than this is not asked for again for the sake of one record's partition number. */
const youngMetadataMs = 1_000;

/**
 * Writes records with acks=all, each with an outcome of its own. A request carries one partition, which is fixed before the first try:
 * kafkajs' own `send` over several partitions loses acknowledged records when a leader dies. Not its idempotent producer either: its
 * sequence goes on without the records whose retries are used up, and then it can lose some. So a retry may write a record twice, but
 * never loses or reorders one.
 */
export class Producer {
  private readonly cluster: Cluster;
  private readonly directory: TopicDirectory;
  private readonly metrics: KafkaMetrics;
  private readonly options: typeof defaults;
  private readonly pending: PendingRecords;
  private readonly queues = new Map<string, TopicQueues>();
  private readonly unplaced = new Map<string, PendingRecord[]>();
  private closed = false;

  constructor(options: ProducerOptions, { logger, registry }: KafkaDeps) {
    this.options = { ...defaults, ...options };
    // As long as the deadline: a request given up and sent again while a frozen broker still holds the first would come twice.
    this.cluster = new Cluster(kafkaSettings(options, this.options.timeoutMs), logger);
    this.directory = new TopicDirectory(this.cluster, metadataMaxAgeMs);
    this.metrics = kafkaMetrics(registry);
    this.pending = new PendingRecords(this.metrics.queueBytes, () => this.countError('deadline'));
  }

  /**
   * Resolves when all in-sync replicas have the record.
   * @throws AppError invalid_argument, too_large, not_found (topic or partition), unavailable (not written), timeout with outcome
   * `unknown` (perhaps written)
   */
  async send(record: ProducerRecord, { timeoutMs = this.options.timeoutMs }: SendOptions = {}): Promise<Placement> {
    if (this.closed) throw new AppError('unavailable', 'The service is shutting down.');
    const { message, bytes } = outgoingRecord(record, this.options.maxRecordBytes);
    if (this.pending.bytes + bytes > this.options.maxQueueBytes) {
      this.countError('queue_full');
      throw new AppError('unavailable', 'Too much is waiting for Kafka; nothing was written.', { retryAfterMs: 1_000 });
    }
    const sentAtMs = Date.now();
    const { topic, partition } = record;
    const pending = new PendingRecord(
      { topic, partition, message, bytes, deadlineMs: sentAtMs + timeoutMs },
      (settled) => this.pending.remove(settled),
    );
    this.pending.add(pending);
    this.place(pending);
    const placement = await pending.acknowledged;
    this.metrics.sendSeconds.observe((Date.now() - sentAtMs) / 1000);
    return placement;
  }

  check(): Promise<Health> | Health {
    return this.cluster.probe();
  }

  /** Takes no more records, waits for those on their way (5 s unless told otherwise), and tells the rest that they may be lost. */
  async close({ timeoutMs = closeTimeoutMs }: SendOptions = {}): Promise<void> {
    this.closed = true;
    await within(this.pending.drained(), timeoutMs, () => new Error('not drained')).catch(() => undefined);
    this.pending.giveUp();
    await this.cluster.close();
  }

  private place(record: PendingRecord): void {
    const unplaced = this.unplaced.get(record.topic);
    if (unplaced) {
      unplaced.push(record);
      return;
    }
    const metadata = this.directory.known(record.topic);
    if (metadata && (record.partition ?? 0) < metadata.partitions.length) return this.enqueue(record, metadata);
    const waiting = [record];
    this.unplaced.set(record.topic, waiting);
    void this.placeLater(record.topic, waiting);
  }

  /** Records wait here, in order, for a first or fresher answer about their topic, each until its own deadline. */
  private async placeLater(topic: string, waiting: PendingRecord[]): Promise<void> {
    for (let attempt = 0; waiting.some(({ settled }) => !settled); attempt += 1) {
      try {
        const metadata = await this.directory.lookup(topic, youngMetadataMs);
        this.unplaced.delete(topic);
        for (const record of waiting) if (!record.expire(Date.now())) this.enqueue(record, metadata);
        return;
      } catch (error) {
        const failure = AppError.from(error);
        if (failure.code !== 'unavailable') for (const record of waiting) record.fail(failure);
        else await delay(backoffMs(attempt, firstRetryMs, maxRetryMs));
      }
    }
    this.unplaced.delete(topic);
  }

  private enqueue(record: PendingRecord, { name, partitions }: TopicMetadata): void {
    const partition = record.partition ?? 0;
    if (partition >= partitions.length) {
      record.fail(new AppError('not_found', `The Kafka topic ${name} has no partition ${partition}.`));
      return;
    }
    let queues = this.queues.get(name);
    if (!queues) {
      queues = new TopicQueues(name, (place, records, onSending) => this.write(place, records, onSending));
      this.queues.set(name, queues);
    }
    queues.push(record, partitions.length);
  }

  private async write(place: Place, records: readonly PendingRecord[], onSending: () => void): Promise<bigint> {
    const { topic, partition } = place;
    try {
      const metadata = await this.directory.lookup(topic);
      const leader = metadata.partitions[partition]?.leader ?? -1;
      if (leader < 0) throw new KafkaErrorCode(kafkaCodes.leaderNotAvailable, `partition ${partition} of ${topic}`);
      const messages = records.map(({ message }) => message);
      return await this.cluster.produce(leader, { topic, partition, messages, onSending });
    } catch (error) {
      const code = kafkaCodeOf(error);
      this.countError(code === undefined ? 'request' : kafkaCodeName(code));
      await this.seeWhatChanged(topic, error);
      throw error;
    }
  }

  /** A failed write may mean that the leader moved or that the topic is gone; then its records hear so at once. */
  private async seeWhatChanged(topic: string, failure: unknown): Promise<void> {
    if (AppError.is(failure)) return;
    await this.directory.refresh(topic).catch((error: unknown) => {
      if (AppError.is(error) && error.code === 'not_found') throw error;
    });
  }

  private countError(kind: string): void {
    this.metrics.errors.inc({ client: 'producer', kind });
  }
}
