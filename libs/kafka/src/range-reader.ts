import { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import { Cluster } from './cluster';
import { kafkaCodes, KafkaErrorCode, OffsetOutOfRange, translateKafkaError } from './errors';
import { fetchRequest, type FetchedPartition } from './fetch';
import type { KafkaRecord } from './fetched-record';
import { logEnds } from './list-offsets';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { committedOffsets, logBounds } from './offsets';
import { kafkaSettings, type KafkaDeps, type KafkaOptions, type KafkaSettings } from './options';
import { ReadReplicas } from './read-replicas';
import { decodeRecordSet } from './record-batch';
import { backoffMs, delay } from './timing';
import { TopicDirectory } from './topic-directory';
import { defaultMaxInflatedBytes } from './units';

export type RangeReaderOptions = KafkaOptions & {
  /** How long one call may take, refreshed metadata and retries included; 5 s by default. */
  timeoutMs?: number;
  /** Bytes that one compressed batch may grow to; 32 MiB by default. */
  maxInflatedBytes?: number;
};

export interface RangeRead {
  records: KafkaRecord[];
  /** Where to read on: behind the last record, and behind every hole, marker and aborted record seen. */
  next: bigint;
  highWatermark: bigint;
  /** Committed data ends here; records behind it belong to open transactions. */
  lastStable: bigint;
  logStart: bigint;
}

export interface TopicInfo {
  /** A topic that is deleted and made again gets another id. */
  topicId: string;
  partitions: number;
}

/** A number is a time in milliseconds since the epoch: the first offset whose record is not older. */
export type OffsetsAt = 'earliest' | 'latest' | number;

/** Metadata is asked for again when a leader refuses us, so its age matters little; new partitions are seen within this. */
const metadataMaxAgeMs = 5_000;
const firstRetryMs = 50;
const maxRetryMs = 500;

/** Reads any part of the log by offset, committed data only, without a group. */
export class RangeReader {
  private readonly cluster: Cluster;
  private readonly directory: TopicDirectory;
  private readonly replicas = new ReadReplicas();
  private readonly settings: KafkaSettings;
  private readonly metrics: KafkaMetrics;
  private readonly timeoutMs: number;
  private readonly maxInflatedBytes: number;

  constructor(options: RangeReaderOptions, { logger, registry }: KafkaDeps) {
    this.timeoutMs = options.timeoutMs ?? 5_000;
    this.maxInflatedBytes = options.maxInflatedBytes ?? defaultMaxInflatedBytes;
    this.settings = kafkaSettings(options, this.timeoutMs);
    this.metrics = kafkaMetrics(registry);
    this.cluster = new Cluster(this.settings, logger);
    this.directory = new TopicDirectory(this.cluster, metadataMaxAgeMs);
  }

  /**
   * What the log holds from an offset on, up to about `maxBytes` and at least one batch; empty at its end.
   * @throws OffsetOutOfRange, CorruptRecords, AppError not_found, unavailable
   */
  async readRange(topic: string, partition: number, from: bigint, maxBytes: number): Promise<RangeRead> {
    return this.retrying(
      `read ${topic}`,
      async () => {
        const stop = this.metrics.fetchSeconds.startTimer({ client: 'range' });
        const fetched = await this.fetch(topic, partition, from, maxBytes);
        stop();
        if (fetched.errorCode === kafkaCodes.offsetOutOfRange) return this.outOfRange(topic, partition, from);
        if (fetched.errorCode !== kafkaCodes.none) throw new KafkaErrorCode(fetched.errorCode, `fetch of ${topic}`);
        return this.decode(fetched, from);
      },
      topic,
    );
  }

  /** @throws AppError not_found, unavailable */
  async topic(name: string): Promise<TopicInfo> {
    const { topicId, partitions } = await this.retrying(`find ${name}`, () => this.directory.lookup(name), name);
    return { topicId, partitions: partitions.length };
  }

  /**
   * An offset per partition, by partition number. `latest` is the end of committed data; a time behind the last record gives that end too.
   * @throws AppError not_found, unavailable
   */
  async offsets(topic: string, at: OffsetsAt): Promise<bigint[]> {
    return this.retrying(
      `list the offsets of ${topic}`,
      async () => {
        const { partitions } = await this.directory.lookup(topic);
        const listed = await committedOffsets(this.cluster, topic, partitions, timeOf(at));
        if (typeof at === 'string' || !listed.includes(-1n)) return listed;
        const ends = await committedOffsets(this.cluster, topic, partitions, logEnds.latest);
        return listed.map((offset, partition) => (offset < 0n ? (ends[partition] as bigint) : offset));
      },
      topic,
    );
  }

  check(): Promise<Health> | Health {
    return this.cluster.probe();
  }

  async close(): Promise<void> {
    await this.cluster.close();
  }

  private async fetch(topic: string, partition: number, from: bigint, maxBytes: number): Promise<FetchedPartition> {
    const leader = await this.leaderOf(topic, partition);
    const nodeId = this.replicas.nodeFor(topic, partition, leader);
    const options = { maxWaitMs: 0, minBytes: 0, maxBytes, rackId: this.settings.rackId };
    const request = fetchRequest([{ topic, partition, offset: from, maxBytes }], options);
    const { errorCode, partitions } = await this.cluster.send(nodeId, request);
    const [fetched] = partitions;
    if (errorCode !== kafkaCodes.none || !fetched) throw new KafkaErrorCode(errorCode, `fetch of ${topic}`);
    if (fetched.errorCode !== kafkaCodes.none && this.replicas.forget(topic, partition)) {
      return this.fetch(topic, partition, from, maxBytes);
    }
    if (fetched.preferredReplica < 0 || fetched.preferredReplica === nodeId) return fetched;
    this.replicas.prefer(topic, partition, fetched.preferredReplica);
    return this.fetch(topic, partition, from, maxBytes);
  }

  private decode(fetched: FetchedPartition, from: bigint): RangeRead {
    const { topic, partition, aborted, highWatermark, lastStable, logStart } = fetched;
    const place = { topic, partition, from, aborted, maxInflatedBytes: this.maxInflatedBytes };
    const { records, next, corrupt } = decodeRecordSet(fetched.records, place);
    if (corrupt && records.length === 0) {
      this.metrics.errors.inc({ client: 'range', kind: 'corrupt' });
      throw corrupt;
    }
    return { records, next, highWatermark, lastStable, logStart };
  }

  private async outOfRange(topic: string, partition: number, from: bigint): Promise<never> {
    const { logStart, end } = await logBounds(this.cluster, await this.leaderOf(topic, partition), topic, partition);
    if (from < logStart) throw new OffsetOutOfRange('below', logStart, end);
    if (from > end) throw new OffsetOutOfRange('above', logStart, end);
    throw new KafkaErrorCode(kafkaCodes.offsetOutOfRange, `fetch of ${topic}`);
  }

  private async leaderOf(topic: string, partition: number): Promise<number> {
    const metadata = await this.directory.lookup(topic);
    const found =
      metadata.partitions.find((each) => each.partition === partition) ??
      (await this.directory.refresh(topic)).partitions.find((each) => each.partition === partition);
    if (!found) throw new AppError('not_found', `The Kafka topic ${topic} has no partition ${partition}.`);
    if (found.leader < 0) throw new KafkaErrorCode(kafkaCodes.leaderNotAvailable, `partition ${partition} of ${topic}`);
    return found.leader;
  }

  /** Leaders move and connections break: ask again with fresh metadata until the caller's time is over. */
  private async retrying<T>(doing: string, work: () => Promise<T>, topic: string): Promise<T> {
    const deadlineMs = Date.now() + this.timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (AppError.is(error) && error.code !== 'unavailable') throw error;
        const waitMs = backoffMs(attempt, firstRetryMs, maxRetryMs);
        if (Date.now() + waitMs >= deadlineMs) {
          this.metrics.errors.inc({ client: 'range', kind: 'unavailable' });
          throw translateKafkaError(error, doing);
        }
        await delay(waitMs);
        await this.directory.refresh(topic).catch(throwNotFound);
      }
    }
  }
}

function throwNotFound(error: unknown): void {
  if (AppError.is(error) && error.code === 'not_found') throw error;
}

function timeOf(at: OffsetsAt): bigint {
  return typeof at === 'string' ? logEnds[at] : BigInt(Math.trunc(at));
}
