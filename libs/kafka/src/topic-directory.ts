import { AppError } from '@tidegate/errors';
import type { Cluster } from './cluster';
import { kafkaCodes } from './errors';
import type { TopicMetadata } from './metadata';
import { delay } from './timing';

interface Entry {
  metadata: TopicMetadata;
  atMs: number;
}

/** A topic made a moment ago is not known to every broker yet. */
const unknownTries = 4;
const unknownDelayMs = 100;

/** What is known about topics, asked of Kafka once however many callers wait. */
export class TopicDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly asking = new Map<string, Promise<TopicMetadata>>();

  constructor(
    private readonly cluster: Cluster,
    private readonly maxAgeMs: number,
  ) {}

  /** Whatever its age; an old entry is asked for again behind the caller's back. */
  known(topic: string, nowMs = Date.now()): TopicMetadata | undefined {
    const entry = this.entries.get(topic);
    if (!entry) return undefined;
    if (nowMs - entry.atMs > this.maxAgeMs) void this.refresh(topic).catch(() => undefined);
    return entry.metadata;
  }

  /** @throws AppError not_found, unavailable */
  async lookup(topic: string, maxAgeMs = this.maxAgeMs): Promise<TopicMetadata> {
    const entry = this.entries.get(topic);
    return entry && Date.now() - entry.atMs <= maxAgeMs ? entry.metadata : this.refresh(topic);
  }

  /** @throws AppError not_found, unavailable */
  async refresh(topic: string): Promise<TopicMetadata> {
    const asking = this.asking.get(topic) ?? this.ask(topic).finally(() => this.asking.delete(topic));
    this.asking.set(topic, asking);
    return asking;
  }

  private async ask(topic: string): Promise<TopicMetadata> {
    for (let left = unknownTries; ; left -= 1) {
      const { topics } = await this.cluster.metadata([topic]);
      const metadata = topics.find(({ name }) => name === topic);
      if (metadata && isThere(metadata)) {
        this.entries.set(topic, { metadata, atMs: Date.now() });
        return metadata;
      }
      if (left === 1 || metadata?.errorCode === kafkaCodes.invalidTopic) break;
      await delay(unknownDelayMs);
    }
    this.entries.delete(topic);
    throw new AppError('not_found', `There is no Kafka topic ${topic}.`);
  }
}

/** A topic whose partitions wait for a leader is there. */
function isThere({ errorCode, partitions }: TopicMetadata): boolean {
  return (errorCode === kafkaCodes.none || errorCode === kafkaCodes.leaderNotAvailable) && partitions.length > 0;
}
