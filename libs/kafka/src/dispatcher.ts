import { AppError } from '@tidegate/errors';
import { BrokerSender } from './broker-sender';
import type { Cluster } from './cluster';
import type { Compression } from './compression';
import { kafkaCodeName, kafkaCodeOf } from './errors';
import type { KafkaMetrics } from './metrics';
import type { Next, PartitionQueue, QueueOptions } from './partition-queue';
import type { PartitionAnswer } from './produce';
import { ProducerIds, WritingRefused } from './producer-ids';
import { backoffMs, delay } from './timing';
import type { TopicDirectory } from './topic-directory';

export interface DispatcherDeps {
  cluster: Cluster;
  /** A broker serves one request after the other of a connection: partitions whose replicas are behind use others. */
  slowCluster: Cluster;
  directory: TopicDirectory;
  metrics: KafkaMetrics;
  ackTimeoutMs: number;
}

/** Below the broker's default limit of 1,048,588 bytes for a batch; where a topic allows less, batches are halved. */
const maxBatchBytes = 1_000_000;
/** The broker works on a batch of this size while the next one is made: at 64 KiB both sides are busy most of the time. */
const fullBytes = 64 * 1024;
const firstRetryMs = 20;
const maxRetryMs = 500;

/** Brings each partition's batches to its leader, and again to whoever leads after a failure. */
export class Dispatcher {
  private readonly ids: ProducerIds;
  private readonly senders = new Map<number, BrokerSender>();
  private readonly slowSenders = new Map<number, BrokerSender>();
  private stopped = false;

  constructor(private readonly deps: DispatcherDeps) {
    this.ids = new ProducerIds(deps.cluster);
  }

  queueOptions(compression: Compression): QueueOptions {
    const { ids } = this;
    const { metrics } = this.deps;
    return { compression, maxBatchBytes, fullBytes, ids, metrics, onReady: (queue) => this.dispatch(queue) };
  }

  /** Nothing is sent or sent again from now on. */
  stop(): void {
    this.stopped = true;
  }

  private dispatch(queue: PartitionQueue): void {
    if (this.stopped) return;
    const leader = this.deps.directory.known(queue.topic)?.partitions[queue.partition]?.leader ?? -1;
    if (leader < 0) this.follow(queue, queue.onNoAnswer('no'));
    else this.senderFor(leader, queue.isSlow).add(queue);
  }

  private senderFor(nodeId: number, slow: boolean): BrokerSender {
    const senders = slow ? this.slowSenders : this.senders;
    const known = senders.get(nodeId);
    if (known) return known;
    const { ackTimeoutMs } = this.deps;
    const cluster = slow ? this.deps.slowCluster : this.deps.cluster;
    const sender = new BrokerSender({
      nodeId,
      cluster,
      ids: this.ids,
      ackTimeoutMs,
      onAnswer: (queue, answer) => this.onAnswer(queue, answer),
      onNoAnswer: (queue, written, error) => this.onNoAnswer(queue, written, error),
    });
    senders.set(nodeId, sender);
    return sender;
  }

  private onAnswer(queue: PartitionQueue, answer: PartitionAnswer): void {
    if (answer.errorCode !== 0) this.countError(kafkaCodeName(answer.errorCode));
    this.follow(queue, queue.onAnswer(answer, Date.now()));
  }

  private onNoAnswer(queue: PartitionQueue, written: 'no' | 'maybe', error: unknown): void {
    const code = kafkaCodeOf(error);
    this.countError(code === undefined ? 'request' : kafkaCodeName(code));
    if (error instanceof WritingRefused) queue.fail(error);
    this.follow(queue, queue.onNoAnswer(written));
  }

  private follow(queue: PartitionQueue, next: Next): void {
    if (this.stopped) return;
    if (next === 'ready') this.dispatch(queue);
    else if (next === 'later') void this.retry(queue);
  }

  private async retry(queue: PartitionQueue): Promise<void> {
    this.deps.metrics.retries.inc({ client: 'producer' });
    const refreshed = this.deps.directory.refresh(queue.topic).catch((error: unknown) => {
      if (AppError.is(error) && error.code === 'not_found') queue.fail(error);
    });
    await Promise.all([refreshed, delay(backoffMs(queue.failures - 1, firstRetryMs, maxRetryMs))]);
    queue.resume();
    this.dispatch(queue);
  }

  private countError(kind: string): void {
    this.deps.metrics.errors.inc({ client: 'producer', kind });
  }
}
