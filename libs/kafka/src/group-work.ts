import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { reasonOf } from './errors';
import type { KafkaRecord } from './fetched-record';
import type { KafkaMetrics } from './metrics';

export const heartbeatMs = 3_000;

/** What is done with the batches of a group, in all memberships of this process. */
export class GroupWork {
  /** Why the last batch of a partition could not be done. */
  private readonly failures = new Map<string, string>();
  private inWork = Promise.resolve();
  /** Whether the last batch since `begin` could not be done. */
  failed = false;

  constructor(
    private readonly group: string,
    private readonly onBatch: (records: KafkaRecord[]) => Promise<void>,
    private readonly metrics: KafkaMetrics,
  ) {}

  /** Empty when all goes well. */
  get failure(): string {
    return [...this.failures].map(([place, reason]) => `${place}: ${reason}`).join('; ');
  }

  /** A new membership. */
  begin(): void {
    this.failed = false;
  }

  /** What another member has to do now is not ours to complain about. */
  assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    const places = Object.entries(assignment).flatMap(([topic, partitions]) => partitions.map(placeOf(topic)));
    for (const place of this.failures.keys()) if (!places.includes(place)) this.failures.delete(place);
  }

  /** Resolves when nothing is in work. */
  done(): Promise<void> {
    return this.inWork;
  }

  async do(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    if (!payload.isRunning() || payload.isStale() || batch.isEmpty()) return;
    const work = this.doAll(payload);
    this.inWork = work.catch(() => undefined);
    await work;
  }

  private async doAll(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = payload.batch;
    const place = placeOf(topic)(partition);
    // Long work must not look like death; a heartbeat that fails is repeated by kafkajs' own after the batch.
    const beating = setInterval(() => void payload.heartbeat().catch(() => undefined), heartbeatMs);
    const stop = this.metrics.groupBatchSeconds.startTimer({ group: this.group });
    try {
      await this.onBatch(messages.map((message) => recordOf(topic, partition, message)));
      this.failed = false;
      this.failures.delete(place);
    } catch (error) {
      this.failed = true;
      this.failures.set(place, reasonOf(error));
      this.metrics.errors.inc({ client: 'group', kind: 'work' });
      throw error;
    } finally {
      stop();
      clearInterval(beating);
    }
  }
}

function placeOf(topic: string): (partition: number) => string {
  return (partition) => `${topic}/${partition}`;
}

function recordOf(topic: string, partition: number, message: KafkaMessage): KafkaRecord {
  const timestampMs = Number(message.timestamp);
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number.isSafeInteger(timestampMs) && timestampMs >= 0 ? timestampMs : -1,
    key: message.key,
    value: message.value,
    headers: () => Object.entries(message.headers ?? {}).flatMap(([name, value]) => headerPairs(name, value)),
  };
}

type HeaderValue = NonNullable<KafkaMessage['headers']>[string];

function headerPairs(name: string, value: HeaderValue): [string, Buffer | null][] {
  const values = Array.isArray(value) ? value : [value];
  return values.map((each) => [name, each === undefined || each === null ? null : Buffer.from(each)]);
}
