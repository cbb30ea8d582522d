import { AppError } from '@tidegate/errors';
import type { GroupOffsets } from './durable-hold';

interface Commit {
  group: string;
  topic: string;
  offsets: readonly { partition: number; offset: bigint; metadata?: string }[];
  atMs: number;
}

/** Positions of Kafka groups in memory, for specs. */
export class MemoryGroups implements GroupOffsets {
  readonly commits: Commit[] = [];
  down = false;
  /** What a commit waits for. */
  delay: () => Promise<void> = () => Promise.resolve();

  async commitOffsets(group: string, topic: string, offsets: Commit['offsets']): Promise<void> {
    await this.delay();
    if (this.down) throw new AppError('unavailable', 'Kafka cannot be reached.');
    this.commits.push({ group, topic, offsets, atMs: Date.now() });
  }

  committedOffsets(group: string, topic: string): Promise<{ partition: number; offset: bigint; metadata: string }[]> {
    if (this.down) return Promise.reject(new AppError('unavailable', 'Kafka cannot be reached.'));
    const latest = new Map<number, { partition: number; offset: bigint; metadata: string }>();
    for (const commit of this.commits) {
      if (commit.group !== group || commit.topic !== topic) continue;
      for (const { partition, offset, metadata = '' } of commit.offsets) {
        latest.set(partition, { partition, offset, metadata });
      }
    }
    return Promise.resolve([...latest.values()]);
  }

  /** Kafka forgets a group that has not moved for long. */
  expire(): void {
    this.commits.length = 0;
  }
}
