import { AppError } from '@tidegate/errors';
import type { Health, Logger } from '@tidegate/telemetry';
import { Cluster } from './cluster';
import { isDecided, kafkaCodes, reasonOf, translateKafkaError } from './errors';
import { FetchLoop, type FetchLoopOptions, type FetchSource } from './fetch-loop';
import { logEnds } from './list-offsets';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { committedOffsets } from './offsets';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { ReadReplicas } from './read-replicas';
import { TailIntake } from './tail-intake';
import { TailTopic, type PartitionPosition, type Tail, type TailListener } from './tail-topic';
import { TailTopics } from './tail-topics';
import { delay, retrying } from './timing';
import { TopicDirectory } from './topic-directory';
import { defaultMaxInflatedBytes, mebibyte } from './units';

export type TailPoolOptions = KafkaOptions & {
  /** How long a fetch waits for records; 500 ms by default. */
  maxWaitMs?: number;
  /** How often new partitions and re-created topics are looked for; 5 s by default. */
  metadataIntervalMs?: number;
  /** After this long without a good fetch listeners hear `onUnavailable`; 4 s by default. */
  staleAfterMs?: number;
  /** Bytes that one compressed batch may grow to; 32 MiB by default. */
  maxInflatedBytes?: number;
};

const defaults = {
  maxWaitMs: 500,
  metadataIntervalMs: 5_000,
  staleAfterMs: 4_000,
  maxInflatedBytes: defaultMaxInflatedBytes,
};
/** A frozen broker is given up after this; the fetch's own wait comes on top. */
const requestTimeoutMs = 5_000;
const openTimeoutMs = 10_000;
const sweepMs = 1_000;
/** As fast as larger answers, and what is decoded in one go delays everything else by 3 ms at most. */
const maxFetchBytes = 2 * mebibyte;
/** Between two looks at metadata, however many partitions complain. */
const refreshGapMs = 100;

/**
 * Follows topics from now on for the whole process: one fetch loop per broker for all topics, on connections of its own. Reconnects by
 * itself for ever.
 */
export class TailPool {
  private readonly cluster: Cluster;
  private readonly directory: TopicDirectory;
  private readonly intake: TailIntake;
  private readonly logger: Logger;
  private readonly metrics: KafkaMetrics;
  private readonly replicas: ReadReplicas;
  private readonly topics: TailTopics;
  private readonly opening = new Map<string, Promise<TailTopic>>();
  private readonly loops = new Map<number, FetchLoop>();
  private readonly options: typeof defaults;
  private readonly fetchOptions: FetchLoopOptions;
  private readonly upkeep: NodeJS.Timeout;
  private refreshing: Promise<void> | undefined;
  private refreshedAtMs = 0;
  private metadataAtMs = 0;
  private refreshFailed = false;
  private sweptAtMs = Date.now();
  private closed = false;

  constructor(options: TailPoolOptions, { logger, registry }: KafkaDeps) {
    const settings = kafkaSettings(options, requestTimeoutMs);
    this.options = { ...defaults, ...options };
    this.fetchOptions = {
      maxWaitMs: this.options.maxWaitMs,
      maxBytes: maxFetchBytes,
      maxPartitionBytes: mebibyte,
    };
    this.logger = logger;
    this.metrics = kafkaMetrics(registry);
    this.replicas = new ReadReplicas(settings.rackId);
    this.topics = new TailTopics(this.replicas);
    this.cluster = new Cluster(settings, logger);
    this.metrics.clusters.set(this.cluster, 'tail');
    this.directory = new TopicDirectory(this.cluster, 0);
    this.intake = new TailIntake({
      cluster: this.cluster,
      replicas: this.replicas,
      logger,
      metrics: this.metrics,
      maxInflatedBytes: this.options.maxInflatedBytes,
      topic: (name) => this.topics.get(name),
      refresh: () => this.refresh(),
    });
    this.upkeep = setInterval(() => this.keepUp(), sweepMs).unref();
  }

  /**
   * Follows a topic from its end. A topic that is followed already gets one more listener, from where its tail stands.
   * @throws AppError not_found, unavailable
   */
  async open(topic: string, listener: TailListener): Promise<Tail> {
    for (;;) {
      if (this.closed) throw new AppError('unavailable', 'The service is shutting down.');
      const followed = await this.follow(topic);
      // Its last listener may have left while we waited.
      if (this.topics.get(topic) !== followed) continue;
      return followed.attach(listener, () => {
        if (followed.inUse) return;
        this.topics.drop(followed);
        this.metrics.tailLag.remove({ topic });
      });
    }
  }

  /** Healthy while every open tail has good fetches; without one, while a broker answers. */
  check(): Promise<Health> | Health {
    const stale = this.topics.staleNames();
    if (stale.length === 0) return this.cluster.probe();
    return { ok: false, reason: `no fetch of ${stale.join(', ')}: ${this.intake.lastFailure}` };
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.upkeep);
    for (const loop of this.loops.values()) loop.stop();
    this.topics.clear();
    this.metrics.clusters.delete(this.cluster);
    await this.cluster.close();
  }

  private async follow(topic: string): Promise<TailTopic> {
    const known = this.topics.get(topic);
    if (known?.deleted) await this.refresh();
    if (known?.deleted) throw new AppError('not_found', `There is no Kafka topic ${topic}.`);
    if (known) return known;
    const opening = this.opening.get(topic) ?? this.start(topic).finally(() => this.opening.delete(topic));
    this.opening.set(topic, opening);
    return opening;
  }

  private async start(name: string): Promise<TailTopic> {
    const find = async (): Promise<TailTopic> => {
      const { topicId, partitions } = await this.directory.refresh(name);
      const [starts, ends] = await Promise.all([
        committedOffsets(this.cluster, name, partitions, logEnds.earliest),
        committedOffsets(this.cluster, name, partitions, logEnds.latest),
      ]);
      const made = new TailTopic(name, topicId, this.logger);
      partitions.forEach(({ partition, leader }, index) => {
        made.place(partition, ends[index] as bigint, starts[index] as bigint, leader);
      });
      return made;
    };
    const topic = await retrying(find, {
      ...{ timeoutMs: openTimeoutMs, firstMs: refreshGapMs, maxMs: sweepMs },
      isFinal: (error) => this.closed || isDecided(error),
    }).catch((error: unknown) => {
      throw translateKafkaError(error, `follow ${name}`);
    });
    this.topics.add(topic);
    this.metadataAtMs = Date.now();
    this.logger.info({ topic: name, partitions: topic.positions.size }, 'tail opened');
    this.startLoops();
    return topic;
  }

  private startLoops(): void {
    if (this.closed) return;
    for (const nodeId of this.topics.nodes()) {
      if (this.loops.has(nodeId)) continue;
      const loop = new FetchLoop(nodeId, this.cluster, this.source(), this.fetchOptions);
      this.loops.set(nodeId, loop);
      void this.run(loop);
    }
  }

  private async run(loop: FetchLoop): Promise<void> {
    try {
      await loop.run();
      this.loops.delete(loop.nodeId);
      this.startLoops();
    } catch (error) {
      // A mistake of ours. Health sees that nothing comes; the next look at metadata starts the loop again.
      this.logger.error({ err: error, nodeId: loop.nodeId }, 'fetch loop failed');
      this.loops.delete(loop.nodeId);
    }
  }

  private source(): FetchSource {
    return {
      fetchable: (nodeId) => this.topics.fetchable(nodeId),
      serves: (nodeId) => this.topics.serves(nodeId),
      rackFor: (positions) => this.replicas.rackFor(positions),
      onFetched: (nodeId, position, fetched) => {
        this.intake.take(nodeId, position, fetched);
        // Nothing may have been read yet from the replica that the leader names.
        if (fetched.preferredReplica >= 0) this.startLoops();
        // Whoever waits for the topic hears at once that it is back, not at the next sweep.
        const topic = this.topics.get(position.topic);
        if (topic?.stale) topic.judge(Date.now() - this.options.staleAfterMs, this.intake.lastFailure);
      },
      onFailed: (positions, error) => this.onFetchFailed(positions, error),
      startTimer: () => this.metrics.fetchSeconds.startTimer({ client: 'tail' }),
    };
  }

  private onFetchFailed(positions: PartitionPosition[], error: unknown): void {
    this.intake.lastFailure = reasonOf(error);
    this.metrics.errors.inc({ client: 'tail', kind: 'fetch' });
    for (const { topic, partition } of positions) this.replicas.fail(topic, partition);
    void this.refresh();
  }

  private keepUp(): void {
    const nowMs = Date.now();
    // A process that stood still has fetched nothing either; that says nothing about Kafka.
    const stoodStill = nowMs - this.sweptAtMs > 2 * sweepMs;
    this.sweptAtMs = nowMs;
    if (!stoodStill) this.topics.judge(nowMs - this.options.staleAfterMs, this.intake.lastFailure);
    for (const [topic, lag] of this.topics.lags()) {
      this.metrics.tailLag.set({ topic }, lag);
      this.metrics.metadataAge.set({ client: 'tail' }, (nowMs - this.metadataAtMs) / 1_000);
    }
    if (nowMs - this.refreshedAtMs >= this.options.metadataIntervalMs || this.refreshFailed) void this.refresh();
  }

  /** Looks at the metadata of all followed topics; never rejects. One look at a time, however many ask. */
  private refresh(): Promise<void> {
    this.refreshing ??= this.lookAtMetadata().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async lookAtMetadata(): Promise<void> {
    const waitMs = this.refreshedAtMs + refreshGapMs - Date.now();
    if (waitMs > 0) await delay(waitMs);
    const names = this.topics.names();
    if (this.closed || names.length === 0) return;
    this.refreshedAtMs = Date.now();
    try {
      const metadata = await this.cluster.metadata(names);
      this.topics.learn(metadata);
      this.metadataAtMs = Date.now();
      this.refreshFailed = metadata.topics.some(({ errorCode }) => errorCode !== kafkaCodes.none);
      this.startLoops();
    } catch (error) {
      this.refreshFailed = true;
      this.intake.lastFailure = reasonOf(error);
    }
  }
}
