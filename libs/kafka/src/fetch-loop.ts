import type { Cluster } from './cluster';
import { KafkaErrorCode, kafkaCodes } from './errors';
import { fetchRequest, type FetchedPartition } from './fetch';
import type { PartitionPosition } from './tail-topic';
import { backoffMs, delay } from './timing';

/** What a loop reads and whom it tells. */
export interface FetchSource {
  /** Positions that the node serves and that may be fetched now. */
  fetchable(nodeId: number): PartitionPosition[];
  /** Whether the node serves any position, fetchable or not. */
  serves(nodeId: number): boolean;
  /** What a fetch of these says of our rack. */
  rackFor(positions: readonly PartitionPosition[]): string;
  onFetched(nodeId: number, position: PartitionPosition, fetched: FetchedPartition): void;
  onFailed(positions: PartitionPosition[], error: unknown): void;
  /** Times a fetch; returns what stops the clock. */
  startTimer(): () => void;
}

export interface FetchLoopOptions {
  maxWaitMs: number;
  maxBytes: number;
  maxPartitionBytes: number;
}

/** How soon held positions are looked at again; a fetch on its way includes new ones only after its wait anyway. */
const idleMs = 50;
const firstRetryMs = 100;
const maxRetryMs = 1_000;

/** Fetches everything that one broker serves, for all topics, one request at a time. */
export class FetchLoop {
  private stopped = false;
  private turn = 0;

  constructor(
    readonly nodeId: number,
    private readonly cluster: Cluster,
    private readonly source: FetchSource,
    private readonly options: FetchLoopOptions,
  ) {}

  /** Ends when the broker serves nothing any more, or on `stop`. */
  async run(): Promise<void> {
    for (let failures = 0; !this.stopped && this.source.serves(this.nodeId);) {
      const positions = this.source.fetchable(this.nodeId);
      if (positions.length === 0) {
        await delay(idleMs);
        continue;
      }
      try {
        await this.fetch(positions);
        failures = 0;
      } catch (error) {
        if (this.stopped) return;
        this.source.onFailed(positions, error);
        await delay(backoffMs(failures, firstRetryMs, maxRetryMs));
        failures += 1;
      }
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async fetch(positions: PartitionPosition[]): Promise<void> {
    const { maxPartitionBytes, ...limits } = this.options;
    const asked = this.rotated(positions);
    const request = fetchRequest(
      asked.map(({ topicId, partition, next, lastEpoch }) => ({
        ...{ topicId, partition, offset: next, maxBytes: maxPartitionBytes },
        ...(lastEpoch !== undefined && { lastEpoch }),
      })),
      { ...limits, minBytes: 1, rackId: this.source.rackFor(positions) },
    );
    const stop = this.source.startTimer();
    const { errorCode, partitions } = await this.cluster.send(this.nodeId, request);
    stop();
    if (errorCode !== kafkaCodes.none) throw new KafkaErrorCode(errorCode, 'fetch');
    if (this.stopped) return;
    const byPlace = new Map(asked.map((position) => [`${position.topicId}/${position.partition}`, position]));
    for (const fetched of partitions) {
      const position = byPlace.get(`${fetched.topicId}/${fetched.partition}`);
      if (position) this.source.onFetched(this.nodeId, position, fetched);
    }
  }

  /** The broker fills an answer in the order asked: another one first each time, so that a busy partition starves nobody. */
  private rotated(positions: PartitionPosition[]): PartitionPosition[] {
    const first = this.turn++ % positions.length;
    return first === 0 ? positions : [...positions.slice(first), ...positions.slice(0, first)];
  }
}
