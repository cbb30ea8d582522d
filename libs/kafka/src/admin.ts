import type { Logger } from '@tidegate/telemetry';
import type { Admin } from 'kafkajs';
import { kafkaClient } from './client';
import { translateKafkaError } from './errors';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';

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

/** What apps need of the cluster's administration. */
export class KafkaAdmin {
  private readonly admin: Admin;
  private readonly logger: Logger;
  private connected: Promise<void> | undefined;

  constructor(options: KafkaOptions, { logger }: KafkaDeps) {
    this.admin = kafkaClient(kafkaSettings(options, requestTimeoutMs), logger).admin();
    this.logger = logger;
  }

  /** Makes the topics that are missing and leaves those that are there as they are. @throws AppError unavailable: try again */
  async ensureTopics(topics: TopicSpec[]): Promise<void> {
    try {
      await this.connect();
      const existing = new Set(await this.admin.listTopics());
      const missing = topics.filter(({ topic }) => !existing.has(topic));
      if (missing.length === 0) return;
      // False when another process was quicker: the outcome is the same.
      await this.admin.createTopics({ waitForLeaders: true, topics: missing.map(creation) });
      this.logger.info({ topics: missing.map(({ topic }) => topic) }, 'topics made');
    } catch (error) {
      throw translateKafkaError(error, 'make topics');
    }
  }

  async close(): Promise<void> {
    await this.admin.disconnect();
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
