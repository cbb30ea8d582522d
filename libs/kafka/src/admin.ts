import type { KafkaDeps, KafkaOptions } from './options';

export interface TopicSpec {
  topic: string;
  partitions: number;
  /** Default: the broker's. */
  replicationFactor?: number;
  config?: Record<string, string>;
}

export class KafkaAdmin {
  constructor(_options: KafkaOptions, _deps: KafkaDeps) {}
  ensureTopics(_topics: TopicSpec[]): Promise<void> {
    return Promise.reject(new Error('not written yet'));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
