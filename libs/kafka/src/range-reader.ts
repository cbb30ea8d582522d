import { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import { Cluster } from './cluster';
import { isDecided, kafkaCodes, KafkaErrorCode, OffsetOutOfRange, TopicRecreated, translateKafkaError } from './errors';
import { fetchRequest, type FetchedPartition } from './fetch';
import type { KafkaRecord } from './fetched-record';
import { logEnds } from './list-offsets';
import type { PartitionMetadata } from './metadata';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { committedOffsets, logBounds } from './offsets';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { ReadReplicas } from './read-replicas';
import { decodeRecordSet } from './record-batch';
import { retrying } from './timing';
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

export interface RangeReadOptions {
  /** The topic that the offset is about: should another one have its name by now, nothing of that is read. */
  topicId?: string | undefined;
}

interface LogPlace {
  topic: string;
  topicId: string;
  partition: number;
  leader: number;
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
  private readonly replicas: ReadReplicas;
  private readonly metrics: KafkaMetrics;
  private readonly timeoutMs: number;
  private readonly maxInflatedBytes: number;

  constructor(options: RangeReaderOptions, { logger, registry }: KafkaDeps) {
    this.timeoutMs = options.timeoutMs ?? 5_000;
    this.maxInflatedBytes = options.maxInflatedBytes ?? defaultMaxInflatedBytes;
    const settings = kafkaSettings(options, this.timeoutMs);
    this.replicas = new ReadReplicas(settings.rackId);
    this.metrics = kafkaMetrics(registry);
    this.cluster = new Cluster(settings, logger);
    this.metrics.clusters.set(this.cluster, 'range');
    this.directory = new TopicDirectory(this.cluster, metadataMaxAgeMs);
  }

  /**
   * What the log holds from an offset on, up to about `maxBytes` and at least one batch; empty at its end.
   * @throws OffsetOutOfRange, TopicRecreated, CorruptRecords, AppError not_found, unavailable
   */
  async readRange(
    topic: string,
    partition: number,
    from: bigint,
    maxBytes: number,
    { topicId }: RangeReadOptions = {},
  ): Promise<RangeRead> {
    return this.retrying(
      `read ${topic}`,
      async (attempt) => {
        const place = await this.locate(topic, partition, topicId);
        const stop = this.metrics.fetchSeconds.startTimer({ client: 'range' });
        const fetched = await this.fetch({ ...place, topicId: topicId ?? place.topicId }, from, maxBytes);
        stop();
        if (fetched.errorCode === kafkaCodes.none) return this.decode(topic, fetched, from);
        if (fetched.errorCode === kafkaCodes.offsetOutOfRange) return this.outOfRange(place, from);
        // Said twice before it counts, the second time with fresh metadata: a broker may lag behind.
        const recreated = topicId !== undefined && topicId !== place.topicId && attempt > 0;
        if (recreated && namesNoTopic(fetched.errorCode)) throw new TopicRecreated(topic, place.topicId);
        throw new KafkaErrorCode(fetched.errorCode, `fetch of ${topic}`);
      },
      topic,
    );
  }

  /** The names of all topics but Kafka's own. @throws AppError unavailable */
  async topics(): Promise<string[]> {
    const { topics } = await this.cluster.metadata('all');
    return topics
      .filter(({ internal, partitions }) => internal !== true && partitions.length > 0)
      .map(({ name }) => name);
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
    this.metrics.clusters.delete(this.cluster);
    await this.cluster.close();
  }

  private async fetch(place: LogPlace, from: bigint, maxBytes: number): Promise<FetchedPartition> {
    const { topic, partition, leader } = place;
    const nodeId = this.replicas.nodeFor(topic, partition, leader);
    try {
      const fetched = await this.ask(nodeId, place, from, maxBytes);
      if (fetched.errorCode !== kafkaCodes.none && this.replicas.fail(topic, partition)) {
        return await this.fetch(place, from, maxBytes);
      }
      if (fetched.preferredReplica < 0 || fetched.preferredReplica === nodeId) return fetched;
      this.replicas.prefer(topic, partition, fetched.preferredReplica);
    } catch (error) {
      if (!this.replicas.fail(topic, partition)) throw error;
    }
    return this.fetch(place, from, maxBytes);
  }

  private async ask(nodeId: number, place: LogPlace, from: bigint, maxBytes: number): Promise<FetchedPartition> {
    const { topic, topicId, partition } = place;
    const options = { maxWaitMs: 0, minBytes: 0, maxBytes, rackId: this.replicas.rackFor([place]) };
    const request = fetchRequest([{ topicId, partition, offset: from, maxBytes }], options);
    const { errorCode, partitions } = await this.cluster.send(nodeId, request);
    const [fetched] = partitions;
    if (errorCode !== kafkaCodes.none || !fetched) throw new KafkaErrorCode(errorCode, `fetch of ${topic}`);
    return fetched;
  }

  private decode(topic: string, fetched: FetchedPartition, from: bigint): RangeRead {
    const { partition, aborted, highWatermark, lastStable, logStart } = fetched;
    const place = { topic, partition, from, aborted, maxInflatedBytes: this.maxInflatedBytes };
    const { records, next, corrupt } = decodeRecordSet(fetched.records, place);
    if (corrupt && records.length === 0) {
      this.metrics.errors.inc({ client: 'range', kind: 'corrupt' });
      throw corrupt;
    }
    return { records, next, highWatermark, lastStable, logStart };
  }

  private async outOfRange({ topic, partition, leader }: LogPlace, from: bigint): Promise<never> {
    const { logStart, end } = await logBounds(this.cluster, leader, topic, partition);
    if (from < logStart) throw new OffsetOutOfRange('gap', logStart, end);
    if (from > end) throw new OffsetOutOfRange('rewound', logStart, end);
    throw new KafkaErrorCode(kafkaCodes.offsetOutOfRange, `fetch of ${topic}`);
  }

  private async locate(topic: string, partition: number, expectedId: string | undefined): Promise<LogPlace> {
    const isHere = (each: PartitionMetadata) => each.partition === partition;
    let metadata = await this.directory.lookup(topic);
    if (!metadata.partitions.some(isHere)) metadata = await this.directory.refresh(topic);
    const { topicId } = metadata;
    const found = metadata.partitions.find(isHere);
    if (!found && expectedId !== undefined && expectedId !== topicId) throw new TopicRecreated(topic, topicId);
    if (!found) throw new AppError('not_found', `The Kafka topic ${topic} has no partition ${partition}.`);
    if (found.leader < 0) throw new KafkaErrorCode(kafkaCodes.leaderNotAvailable, `partition ${partition} of ${topic}`);
    return { topic, topicId, partition, leader: found.leader };
  }

  /** Leaders move and connections break: ask again with fresh metadata until the caller's time is over. */
  private async retrying<T>(doing: string, work: (attempt: number) => Promise<T>, topic: string): Promise<T> {
    try {
      return await retrying(work, {
        ...{ timeoutMs: this.timeoutMs, firstMs: firstRetryMs, maxMs: maxRetryMs },
        isFinal: isDecided,
        before: () => this.directory.refresh(topic).catch(throwNotFound),
      });
    } catch (error) {
      if (!isDecided(error)) this.metrics.errors.inc({ client: 'range', kind: 'unavailable' });
      throw translateKafkaError(error, doing);
    }
  }
}

function namesNoTopic(errorCode: number): boolean {
  return errorCode === kafkaCodes.unknownTopicId || errorCode === kafkaCodes.inconsistentTopicId;
}

function throwNotFound(error: unknown): void {
  if (AppError.is(error) && error.code === 'not_found') throw error;
}

function timeOf(at: OffsetsAt): bigint {
  return typeof at === 'string' ? logEnds[at] : BigInt(Math.trunc(at));
}
