import type { Logger } from '@tidegate/telemetry';
import type { Admin } from 'kafkajs';
import { kafkaClient } from './client';
import { Cluster } from './cluster';
import { kafkaCodes, translateKafkaError } from './errors';
import { GroupCoordinator, type CommittedOffset } from './group-coordinator';
import type { GroupOffset } from './group-protocol';
import type { TopicMetadata } from './metadata';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { delay } from './timing';

export interface TopicSpec {
  topic: string;
  partitions: number;
  /** Default: the broker's. */
  replicationFactor?: number;
  config?: Record<string, string>;
}

const requestTimeoutMs = 10_000;
/** Leaves it to the broker's default. */
const brokersChoice = -1;

/** Brokers hear of a new topic a moment after it was made; elections take no longer than this. */
const leadersTimeoutMs = 10_000;
const leadersPollMs = 50;

/** What apps need of the cluster's administration. */
export class KafkaAdmin {
  private readonly admin: Admin;
  private readonly cluster: Cluster;
  private readonly groups: GroupCoordinator;
  private readonly logger: Logger;
  private readonly metrics: KafkaMetrics;
  private connected: Promise<void> | undefined;

  constructor(options: KafkaOptions, { logger, registry }: KafkaDeps) {
    const settings = kafkaSettings(options, requestTimeoutMs);
    this.admin = kafkaClient(settings, logger).admin();
    this.cluster = new Cluster(settings, logger);
    this.metrics = kafkaMetrics(registry);
    this.metrics.clusters.set(this.cluster, 'admin');
    this.groups = new GroupCoordinator(this.cluster, requestTimeoutMs);
    this.logger = logger;
  }

  /**
   * Makes the topics that are missing, leaves those that are there as they are, and waits until all can be written to.
   * @throws AppError unavailable: try again
   */
  async ensureTopics(topics: TopicSpec[]): Promise<void> {
    try {
      const unknown = (await this.unusable(topics)).filter(
        ({ errorCode }) => errorCode === kafkaCodes.unknownTopicOrPartition,
      );
      const missing = topics.filter(({ topic }) => unknown.some(({ name }) => name === topic));
      if (missing.length > 0) await this.create(missing);
      await this.untilUsable(topics);
    } catch (error) {
      throw translateKafkaError(error, 'make topics');
    }
  }

  /**
   * Moves a group that nobody has joined; `metadata` (at most 4,096 bytes by default) comes back with the offset. Kafka checks nothing
   * against the log and lets offsets go back.
   * @throws AppError conflict: the group has members; not_found: no such topic or partition; unavailable: perhaps moved, try again
   */
  async commitOffsets(groupId: string, topic: string, offsets: readonly GroupOffset[]): Promise<void> {
    await this.groups.commit(groupId, topic, offsets);
  }

  /** What a group has committed of a topic, by partition; nothing for partitions without a position. @throws AppError unavailable */
  async committedOffsets(groupId: string, topic: string): Promise<CommittedOffset[]> {
    return this.groups.committed(groupId, topic);
  }

  /** Forgets what a group has committed; nothing happens when there is none. @throws AppError conflict: it has members; unavailable */
  async deleteGroup(groupId: string): Promise<void> {
    await this.groups.delete(groupId);
  }

  async close(): Promise<void> {
    this.metrics.clusters.delete(this.cluster);
    await Promise.all([this.admin.disconnect(), this.cluster.close()]);
  }

  private async create(topics: TopicSpec[]): Promise<void> {
    await this.connect();
    // False when another process was quicker: the outcome is the same.
    await this.admin.createTopics({ waitForLeaders: false, topics: topics.map(creation) });
    this.logger.info({ topics: topics.map(({ topic }) => topic) }, 'topics made');
  }

  private async unusable(topics: TopicSpec[]): Promise<TopicMetadata[]> {
    const metadata = await this.cluster.metadata(topics.map(({ topic }) => topic));
    return metadata.topics.filter(
      ({ errorCode, partitions }) => errorCode !== kafkaCodes.none || partitions.some(({ leader }) => leader < 0),
    );
  }

  private async untilUsable(topics: TopicSpec[]): Promise<void> {
    const deadlineMs = Date.now() + leadersTimeoutMs;
    while ((await this.unusable(topics)).length > 0) {
      if (Date.now() > deadlineMs) throw new Error('the new topics have no leaders yet');
      await delay(leadersPollMs);
    }
  }

  private async connect(): Promise<void> {
    this.connected ??= this.admin.connect();
    try {
      await this.connected;
    } catch (error) {
      this.connected = undefined;
      throw error;
    }
  }
}

function creation({ topic, partitions, replicationFactor = brokersChoice, config = {} }: TopicSpec) {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  return { topic, numPartitions: partitions, replicationFactor, configEntries };
}
