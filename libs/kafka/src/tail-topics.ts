import { kafkaCodes } from './errors';
import type { ClusterMetadata } from './metadata';
import type { ReadReplicas } from './read-replicas';
import type { PartitionPosition, TailTopic } from './tail-topic';

/** All topics being tailed, seen by the broker that serves their partitions. */
export class TailTopics {
  private readonly topics = new Map<string, TailTopic>();

  constructor(private readonly replicas: ReadReplicas) {}

  get(name: string): TailTopic | undefined {
    return this.topics.get(name);
  }

  add(topic: TailTopic): void {
    this.topics.set(topic.name, topic);
  }

  drop(topic: TailTopic): void {
    if (this.topics.get(topic.name) === topic) this.topics.delete(topic.name);
  }

  clear(): void {
    this.topics.clear();
  }

  lags(): [topic: string, lag: number][] {
    return [...this.topics.values()].map(({ name, lag }) => [name, lag]);
  }

  names(): string[] {
    return [...this.topics.keys()];
  }

  staleNames(): string[] {
    return [...this.topics.values()].filter(({ stale }) => stale).map(({ name }) => name);
  }

  nodes(): Set<number> {
    const nodes = new Set([...this.positions()].map((position) => this.nodeOf(position)));
    nodes.delete(-1);
    return nodes;
  }

  serves(nodeId: number): boolean {
    return this.nodes().has(nodeId);
  }

  fetchable(nodeId: number): PartitionPosition[] {
    const nowMs = Date.now();
    return [...this.positions()].filter(
      (position) => position.heldUntilMs <= nowMs && this.nodeOf(position) === nodeId,
    );
  }

  learn(metadata: ClusterMetadata): void {
    for (const topic of this.topics.values()) {
      const found = metadata.topics.find(({ name }) => name === topic.name);
      if (found?.errorCode === kafkaCodes.unknownTopicOrPartition) topic.learnMissing();
      else if (found && found.partitions.length > 0) topic.learn(found);
    }
  }

  judge(staleBeforeMs: number, reason: string): void {
    for (const topic of this.topics.values()) topic.judge(staleBeforeMs, reason);
  }

  private *positions(): Iterable<PartitionPosition> {
    for (const topic of this.topics.values()) if (!topic.deleted) yield* topic.positions.values();
  }

  private nodeOf({ topic, partition, leader }: PartitionPosition): number {
    return this.replicas.nodeFor(topic, partition, leader);
  }
}
