import type { Cluster } from './cluster';
import { MalformedBytes } from './errors';
import type { PartitionQueue } from './partition-queue';
import { produceRequest, type PartitionAnswer, type SealedPartition } from './produce';
import type { ProducerIds } from './producer-ids';

export interface SenderOptions {
  nodeId: number;
  cluster: Cluster;
  ids: ProducerIds;
  ackTimeoutMs: number;
  onAnswer: (queue: PartitionQueue, answer: PartitionAnswer) => void;
  /** `written` is `no` when nothing left this process. */
  onNoAnswer: (queue: PartitionQueue, written: 'no' | 'maybe', error: unknown) => void;
}

interface Sending extends SealedPartition {
  queue: PartitionQueue;
}

/** While a request is in flight, records gather for the next one: until it is answered, but no longer than this. */
const lingerMs = 5;
/** A broker takes one request after the other from a connection; more than this would only wait there. */
const maxInFlight = 5;
/** Well below what a broker takes in one request (100 MiB): the first records in it wait for the last. */
const maxRequestBytes = 8 * 1024 * 1024;

/** Sends what the partitions of one broker have ready, each with one batch at a time, several in one request. */
export class BrokerSender {
  private readonly ready = new Set<PartitionQueue>();
  private inFlight = 0;
  private linger: NodeJS.Timeout | undefined;
  private scheduled = false;
  private throttledUntilMs = 0;

  constructor(private readonly options: SenderOptions) {}

  add(queue: PartitionQueue): void {
    this.ready.add(queue);
    if (queue.isFull) this.flush();
    else if (this.inFlight === 0) this.flushSoon();
    else this.linger ??= setTimeout(() => this.flush(), lingerMs);
  }

  /** After what happens in this turn of the event loop, so that records sent together leave together. */
  private flushSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    clearTimeout(this.linger);
    this.linger = undefined;
    if (this.ready.size === 0 || this.inFlight >= maxInFlight) return;
    const throttledMs = this.throttledUntilMs - Date.now();
    if (throttledMs > 0) {
      this.linger = setTimeout(() => this.flush(), throttledMs);
      return;
    }
    const queues = [...this.ready];
    this.ready.clear();
    this.inFlight += 1;
    void this.send(queues).finally(() => {
      this.inFlight -= 1;
      if (this.ready.size > 0) this.flushSoon();
    });
  }

  private async send(queues: PartitionQueue[]): Promise<void> {
    const { cluster, nodeId, onNoAnswer } = this.options;
    try {
      await cluster.ready(nodeId);
    } catch (error) {
      for (const queue of queues) onNoAnswer(queue, 'no', error);
      return;
    }
    const sending = this.seal(await this.withIds(queues));
    if (sending.length > 0) await this.deliver(sending);
  }

  /** Those that can number their batches; the others wait for a producer id. */
  private async withIds(queues: PartitionQueue[]): Promise<PartitionQueue[]> {
    if (!queues.some(({ needsProducerId }) => needsProducerId)) return queues;
    const { ids, nodeId, onNoAnswer } = this.options;
    try {
      await ids.ask(nodeId);
      return queues;
    } catch (error) {
      for (const queue of queues) if (queue.needsProducerId) onNoAnswer(queue, 'no', error);
      return queues.filter(({ needsProducerId }) => !needsProducerId);
    }
  }

  private seal(queues: PartitionQueue[]): Sending[] {
    const sending: Sending[] = [];
    const nowMs = Date.now();
    let bytes = 0;
    for (const queue of queues) {
      if (bytes > maxRequestBytes) {
        this.ready.add(queue);
        continue;
      }
      const batch = queue.seal(nowMs);
      if (!batch) continue;
      sending.push({ topic: queue.topic, partition: queue.partition, batch, queue });
      bytes += batch.length;
    }
    return sending;
  }

  private async deliver(sending: Sending[]): Promise<void> {
    const { cluster, nodeId, ackTimeoutMs, onAnswer, onNoAnswer } = this.options;
    const answers = new Map<string, PartitionAnswer>();
    let failure: unknown;
    try {
      const { throttleMs, partitions } = await cluster.send(nodeId, produceRequest(sending, ackTimeoutMs));
      this.throttledUntilMs = Date.now() + throttleMs;
      for (const answer of partitions) answers.set(keyOf(answer), answer);
    } catch (error) {
      failure = error;
    }
    for (const { queue } of sending) {
      const answer = answers.get(keyOf(queue));
      if (answer) onAnswer(queue, answer);
      else onNoAnswer(queue, 'maybe', failure ?? new MalformedBytes('an answer leaves a partition out'));
    }
  }
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
