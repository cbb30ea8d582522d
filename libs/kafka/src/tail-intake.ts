import type { Logger } from '@tidegate/telemetry';
import type { Cluster } from './cluster';
import { kafkaCodeName, kafkaCodes, reasonOf, type CorruptRecords } from './errors';
import type { FetchedPartition } from './fetch';
import type { KafkaMetrics } from './metrics';
import { logBounds } from './offsets';
import type { ReadReplicas } from './read-replicas';
import { decodeRecordSet } from './record-batch';
import type { PartitionPosition, TailTopic } from './tail-topic';

export interface TailIntakeDeps {
  cluster: Cluster;
  replicas: ReadReplicas;
  logger: Logger;
  metrics: KafkaMetrics;
  maxInflatedBytes: number;
  topic(name: string): TailTopic | undefined;
  /** Metadata is looked at again, soon. */
  refresh(): Promise<void>;
}

/** How long a partition rests after an error, so that it does not spin while leaders move. */
const holdMs = 200;
/** A checksum may fail on the way; the third time it is the log that is broken. */
const corruptTries = 3;

/** Turns what a fetch returned for one partition into what the listeners of its topic hear. */
export class TailIntake {
  lastFailure = 'no answer from Kafka';

  constructor(private readonly deps: TailIntakeDeps) {}

  take(nodeId: number, position: PartitionPosition, fetched: FetchedPartition): void {
    const topic = this.deps.topic(position.topic);
    if (topic?.positions.get(position.partition) !== position) return;
    if (fetched.errorCode !== kafkaCodes.none) return this.refuse(topic, position, fetched.errorCode);
    position.lastFetchMs = Date.now();
    position.logStart = fetched.logStart;
    position.highWatermark = fetched.highWatermark;
    if (fetched.preferredReplica >= 0 && fetched.preferredReplica !== nodeId) {
      this.deps.replicas.prefer(position.topic, position.partition, fetched.preferredReplica);
      return;
    }
    if (fetched.divergesAt !== undefined) return this.fallBack(topic, position, fetched.divergesAt);
    if (fetched.records.length > 0) this.decode(topic, position, fetched);
  }

  private decode(topic: TailTopic, position: PartitionPosition, fetched: FetchedPartition): void {
    const { records, next, epoch, corrupt } = decodeRecordSet(fetched.records, {
      topic: position.topic,
      partition: position.partition,
      from: position.next,
      aborted: fetched.aborted,
      maxInflatedBytes: this.deps.maxInflatedBytes,
    });
    if (next > position.next) {
      position.corruptTries = 0;
      topic.deliver(position, records, next, epoch);
    }
    if (corrupt) this.skipCorrupt(topic, position, corrupt);
  }

  /** The log has lost its end, and may have grown past where we stand since. */
  private fallBack(topic: TailTopic, position: PartitionPosition, divergesAt: bigint): void {
    topic.reset(position, 'truncated', divergesAt < position.next ? divergesAt : position.next);
  }

  /** Said as a gap: a stream that stops for ever at one broken batch serves nobody. */
  private skipCorrupt(topic: TailTopic, position: PartitionPosition, corrupt: CorruptRecords): void {
    const { logger, metrics } = this.deps;
    position.corruptTries += 1;
    position.heldUntilMs = Date.now() + holdMs;
    metrics.errors.inc({ client: 'tail', kind: 'corrupt' });
    if (position.corruptTries < corruptTries) return;
    const { partition } = position;
    logger.error({ err: corrupt, topic: topic.name, partition }, 'a batch cannot be read and is passed over');
    position.corruptTries = 0;
    topic.reset(position, 'truncated', corrupt.next);
  }

  private refuse(topic: TailTopic, position: PartitionPosition, errorCode: number): void {
    this.lastFailure = kafkaCodeName(errorCode);
    this.deps.metrics.errors.inc({ client: 'tail', kind: kafkaCodeName(errorCode) });
    const fromReplica = this.deps.replicas.fail(position.topic, position.partition);
    if (errorCode === kafkaCodes.offsetOutOfRange && !fromReplica) {
      position.heldUntilMs = Infinity;
      void this.findWayBack(topic, position);
      return;
    }
    position.heldUntilMs = Date.now() + holdMs;
    void this.deps.refresh();
  }

  private async findWayBack(topic: TailTopic, position: PartitionPosition): Promise<void> {
    try {
      await this.deps.refresh();
      if (topic.positions.get(position.partition) !== position) return;
      const { logStart, end } = await logBounds(this.deps.cluster, position.leader, position.topic, position.partition);
      if (topic.positions.get(position.partition) !== position) return;
      position.logStart = logStart;
      if (position.next < logStart) topic.reset(position, 'retention', logStart);
      else if (position.next > end) topic.reset(position, 'truncated', end);
      // In the log, but not after a leader that it knows of: what was before may be gone.
      else if (position.lastEpoch !== undefined) topic.reset(position, 'truncated', position.next);
    } catch (error) {
      this.lastFailure = reasonOf(error);
    } finally {
      position.heldUntilMs = Date.now() + holdMs;
    }
  }
}
