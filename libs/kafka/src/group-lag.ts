import type { Gauge, Logger } from '@tidegate/telemetry';
import type { Cluster } from './cluster';
import { reasonOf } from './errors';
import type { GroupCoordinator } from './group-coordinator';
import { logEnds } from './list-offsets';
import { committedOffsets } from './offsets';
import { TopicDirectory } from './topic-directory';

const intervalMs = 10_000;
const metadataMaxAgeMs = 30_000;

export interface GroupLagOptions {
  groupId: string;
  topics: readonly string[];
  cluster: Cluster;
  coordinator: GroupCoordinator;
  gauge: Gauge;
  logger: Logger;
}

/** How far a group is behind, from what Kafka says and not from what the member believes: a member that is dead falls behind visibly. */
export class GroupLag {
  private readonly directory: TopicDirectory;
  private timer: NodeJS.Timeout | undefined;
  private measuring = false;
  private stopped = false;

  constructor(private readonly options: GroupLagOptions) {
    this.directory = new TopicDirectory(options.cluster, metadataMaxAgeMs);
  }

  start(): void {
    this.timer ??= setInterval(() => void this.measure(), intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.stopped = true;
    const { groupId, topics, gauge } = this.options;
    for (const topic of topics) gauge.remove({ group: groupId, topic });
  }

  /** Never rejects: what cannot be measured keeps its last value. */
  private async measure(): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    const { groupId, topics, gauge, logger } = this.options;
    try {
      for (const topic of topics) {
        const lag = Number(await this.lagOf(topic));
        if (!this.stopped) gauge.set({ group: groupId, topic }, lag);
      }
    } catch (error) {
      logger.debug({ groupId, reason: reasonOf(error) }, 'the lag of a group cannot be measured');
    } finally {
      this.measuring = false;
    }
  }

  private async lagOf(topic: string): Promise<bigint> {
    const { cluster, coordinator, groupId } = this.options;
    const { partitions } = await this.directory.lookup(topic);
    const [committed, starts, ends] = await Promise.all([
      coordinator.committed(groupId, topic),
      committedOffsets(cluster, topic, partitions, logEnds.earliest),
      committedOffsets(cluster, topic, partitions, logEnds.latest),
    ]);
    const positions = new Map(committed.map(({ partition, offset }) => [partition, offset]));
    return partitions.reduce((sum, { partition }, index) => {
      const [start, end] = [starts[index] ?? 0n, ends[index] ?? 0n];
      const position = positions.get(partition) ?? start;
      // What retention took from under the group is not to be read any more.
      const behind = end - (position < start ? start : position);
      return behind > 0n ? sum + behind : sum;
    }, 0n);
  }
}
