import { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import { Cluster } from './cluster';
import type { Compression } from './compression';
import { Dispatcher } from './dispatcher';
import type { TopicMetadata } from './metadata';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { outgoingRecord } from './outgoing-record';
import { PendingRecord } from './pending-record';
import { PendingRecords } from './pending-records';
import { atMost, backoffMs, delay } from './timing';
import { TopicDirectory } from './topic-directory';
import { TopicQueues } from './topic-queues';
import { mebibyte } from './units';

export type ProducerOptions = KafkaOptions & {
  /** Deadline of a record, from `send` to its acknowledgement; 30 s by default. */
  timeoutMs?: number;
  /** Bytes of all records not acknowledged yet; 64 MiB by default. */
  maxQueueBytes?: number;
  /** What `send` does beyond them: reject with `unavailable` (the default), or wait its turn until the record's deadline. */
  whenFull?: 'wait' | 'reject';
  /** Largest record accepted; 1,000,000 bytes by default, a little below the broker's own limit. */
  maxRecordBytes?: number;
  /** Of each batch; none by default. */
  compression?: Compression;
};

/** Pairs where a name comes twice or the order matters. */
export type RecordHeaders =
  Record<string, string | Buffer | null> | readonly (readonly [name: string, value: string | Buffer | null])[];

export interface ProducerRecord {
  topic: string;
  key: string | Buffer | null;
  /** null is a tombstone. */
  value: string | Buffer | null;
  headers?: RecordHeaders;
  /** Default: by murmur2 of the key as Java's producer does it; without a key, where the least waits. */
  partition?: number;
}

export interface SendOptions {
  timeoutMs?: number;
}

/**
 * Where an acknowledged record stands; `offset` is a decimal string. It is `-1` in the one case where Kafka confirms that an earlier try was
 * written without saying where (DUPLICATE_SEQUENCE_NUMBER).
 */
export interface Placement {
  topic: string;
  partition: number;
  offset: string;
}

const defaults = {
  timeoutMs: 30_000,
  maxQueueBytes: 64 * mebibyte,
  whenFull: 'reject' as const,
  maxRecordBytes: 1_000_000,
  compression: 'none' as const,
};

/**
 * How long a broker may hold a request for its replicas. Short, because one partition whose replicas are behind holds up all that shares its
 * connection; a try that ends so is made again, and the broker knows the batch.
 */
const ackTimeoutMs = 1_000;
/** Comes on top; then the connection is given up, as with a frozen broker. */
const requestTimeoutMs = 4_000;
/** A keyed record goes where the number of partitions says, so new partitions are noticed within this. */
const metadataMaxAgeMs = 10_000;
const firstRetryMs = 50;
const maxRetryMs = 500;
const closeTimeoutMs = 5_000;
/** Metadata younger than this is not asked for again for the sake of one record's partition number. */
const youngMetadataMs = 1_000;

/**
 * Writes records with acks=all, each with an outcome of its own. A record's partition is fixed before the first try, each partition has one
 * batch in flight, and the broker knows a batch that is sent again: nothing acknowledged is lost, reordered or written twice.
 */
export class Producer {
  private readonly cluster: Cluster;
  private readonly slowCluster: Cluster;
  private readonly directory: TopicDirectory;
  private readonly dispatcher: Dispatcher;
  private readonly metrics: KafkaMetrics;
  private readonly options: Required<Pick<ProducerOptions, keyof typeof defaults>>;
  private readonly pending: PendingRecords;
  private readonly queues = new Map<string, TopicQueues>();
  private readonly unplaced = new Map<string, PendingRecord[]>();
  private closed = false;

  constructor(options: ProducerOptions, { logger, registry }: KafkaDeps) {
    this.options = { ...defaults, ...options };
    const settings = kafkaSettings(options, requestTimeoutMs);
    this.cluster = new Cluster(settings, logger);
    this.slowCluster = new Cluster(settings, logger);
    this.directory = new TopicDirectory(this.cluster, metadataMaxAgeMs);
    this.metrics = kafkaMetrics(registry);
    const { cluster, slowCluster, directory, metrics } = this;
    this.dispatcher = new Dispatcher({ cluster, slowCluster, directory, metrics, ackTimeoutMs });
    const { maxQueueBytes: maxBytes, whenFull } = this.options;
    this.pending = new PendingRecords(
      { maxBytes, whenFull },
      {
        onAdmitted: (record) => this.place(record),
        onExpired: () => metrics.errors.inc({ client: 'producer', kind: 'deadline' }),
        sweep: (nowMs) => this.sweep(nowMs),
      },
    );
    metrics.queues.add(this.pending);
    for (const each of [cluster, slowCluster]) metrics.clusters.set(each, 'producer');
  }

  /**
   * Resolves when all in-sync replicas have the record. Call it as often as you like: what is sent together leaves together.
   * @throws AppError invalid_argument, too_large, not_found (topic or partition), unavailable (not written), timeout with outcome
   * `unknown` (perhaps written)
   */
  send(record: ProducerRecord, { timeoutMs = this.options.timeoutMs }: SendOptions = {}): Promise<Placement> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw new AppError('unavailable', 'The service is shutting down.');
      const outgoing = outgoingRecord(record, Math.min(this.options.maxRecordBytes, this.options.maxQueueBytes));
      const sentAtMs = Date.now();
      this.pending.add(new PendingRecord(outgoing, sentAtMs, sentAtMs + timeoutMs, { resolve, reject }, this.pending));
    });
  }

  check(): Promise<Health> | Health {
    return this.cluster.probe();
  }

  /** Takes no more records, waits for those on their way (5 s unless told otherwise), and tells the rest that they may be lost. */
  async close({ timeoutMs = closeTimeoutMs }: SendOptions = {}): Promise<void> {
    this.closed = true;
    await atMost(this.pending.drained(), timeoutMs);
    this.dispatcher.stop();
    this.pending.giveUp();
    this.metrics.queues.delete(this.pending);
    const clusters = [this.cluster, this.slowCluster];
    for (const cluster of clusters) this.metrics.clusters.delete(cluster);
    await Promise.all(clusters.map((cluster) => cluster.close()));
  }

  private place(record: PendingRecord): void {
    const { topic, partition, sentAtMs } = record;
    const metadata = this.directory.known(topic, sentAtMs);
    const knows = metadata !== undefined && (partition ?? 0) < metadata.partitions.length;
    // A partition that we have not heard of, and that there may not be, must not hold up those of the others.
    const place = metadata && partition !== undefined ? `${topic}/${partition}` : topic;
    const unplaced = this.unplaced.size > 0 ? (this.unplaced.get(topic) ?? this.unplaced.get(place)) : undefined;
    if (unplaced) unplaced.push(record);
    else if (knows) this.enqueue(record, metadata);
    else {
      this.unplaced.set(place, [record]);
      void this.placeLater(topic, place);
    }
  }

  /** Records wait here, in order, for a first or fresher answer about their topic, each until its own deadline. */
  private async placeLater(topic: string, place: string): Promise<void> {
    const waiting = (): PendingRecord[] => this.unplaced.get(place) ?? [];
    for (let attempt = 0; waiting().some(({ settled }) => !settled); attempt += 1) {
      try {
        const metadata = await this.directory.lookup(topic, youngMetadataMs);
        const records = waiting();
        this.unplaced.delete(place);
        for (const record of records) if (!record.expire(Date.now())) this.enqueue(record, metadata);
        return;
      } catch (error) {
        const failure = AppError.from(error);
        if (failure.code !== 'unavailable') for (const record of waiting()) record.fail(failure);
        else await delay(backoffMs(attempt, firstRetryMs, maxRetryMs));
      }
    }
    this.unplaced.delete(place);
  }

  private enqueue(record: PendingRecord, { name, partitions }: TopicMetadata): void {
    const partition = record.partition ?? 0;
    if (partition >= partitions.length) {
      record.fail(new AppError('not_found', `The Kafka topic ${name} has no partition ${partition}.`));
      return;
    }
    let queues = this.queues.get(name);
    if (!queues) {
      queues = new TopicQueues(name, this.dispatcher.queueOptions(this.options.compression));
      this.queues.set(name, queues);
    }
    queues.push(record, partitions);
  }

  private sweep(nowMs: number): number {
    let nextMs = Infinity;
    for (const [place, records] of this.unplaced) {
      for (const record of records) if (!record.expire(nowMs)) nextMs = Math.min(nextMs, record.deadlineMs);
      // Only now: what the others made room for was added meanwhile.
      this.unplaced.set(
        place,
        records.filter(({ settled }) => !settled),
      );
    }
    for (const queues of this.queues.values()) {
      for (const queue of queues) nextMs = Math.min(nextMs, queue.sweep(nowMs));
    }
    return nextMs;
  }
}
