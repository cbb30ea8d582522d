import { startKafka, type KafkaStartOptions } from '@tidegate/infra';
import {
  Producer,
  RangeReader,
  TailPool,
  type KafkaDeps,
  type KafkaRecord,
  type ProducerOptions,
  type TailListener,
} from '@tidegate/kafka';
import { createLogger, Registry } from '@tidegate/telemetry';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

type Cluster = Awaited<ReturnType<typeof startKafka>>;

/** A cluster of its own for one spec, with topics of unique names and clients that it closes. */
export class KafkaBench {
  private readonly closing: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly cluster: Cluster,
    /** kafkajs itself, for what Tidegate does not do: administration and transactions. */
    readonly kafka: Kafka,
    readonly admin: Admin,
  ) {}

  static async start(brokers: 1 | 3 = 1, properties: KafkaStartOptions['properties'] = {}): Promise<KafkaBench> {
    process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
    const cluster = await startKafka({ brokers, properties });
    const kafka = new Kafka({ brokers: cluster.brokers, clientId: 'bench', logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    return new KafkaBench(cluster, kafka, admin);
  }

  get options(): { brokers: string[]; clientId: string } {
    return { brokers: this.cluster.brokers, clientId: 'spec' };
  }

  get deps(): KafkaDeps {
    return { logger: createLogger({ service: 'spec', level: 'silent' }), registry: new Registry() };
  }

  /** The first, and with one broker the only, node. */
  get node(): Cluster['nodes'][number] {
    const [node] = this.cluster.nodes;
    if (!node) throw new Error('the cluster has no nodes');
    return node;
  }

  async topic(partitions: number, config: Record<string, string> = {}): Promise<string> {
    const topic = `t-${randomUUID()}`;
    await this.createTopic(topic, partitions, config);
    return topic;
  }

  async createTopic(topic: string, partitions: number, config: Record<string, string> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions: partitions, configEntries }];
    await this.admin.createTopics({ topics, waitForLeaders: false });
    await this.leaders(topic);
  }

  /** Of each partition, asked again until there is one: a broker may not have heard of a new topic yet. */
  async leaders(topic: string): Promise<number[]> {
    let leaders: number[] = [];
    await until(`${topic} has leaders`, async () => {
      const found = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
      const partitions = found?.topics[0]?.partitions ?? [];
      leaders = partitions.sort((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
      return leaders.length > 0 && leaders.every((leader) => leader >= 0);
    });
    return leaders;
  }

  /** Moves the log's start, as retention does. */
  async deleteBefore(topic: string, offset: number): Promise<void> {
    // kafkajs looks for the leader before it has asked who leads.
    await this.admin.fetchTopicOffsets(topic);
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [topic] });
    await until('the topic is gone', async () => !(await this.admin.listTopics()).includes(topic));
  }

  producer(options: Partial<ProducerOptions> = {}): Producer {
    return this.closed(new Producer({ ...this.options, ...options }, this.deps));
  }

  reader(options: { timeoutMs?: number } = {}): RangeReader {
    return this.closed(new RangeReader({ ...this.options, ...options }, this.deps));
  }

  pool(): TailPool {
    return this.closed(new TailPool(this.options, this.deps));
  }

  async stop(): Promise<void> {
    await Promise.all(this.closing.map((close) => close()));
    await this.admin.disconnect();
    await this.cluster.stop();
  }

  closed<T extends { close(): Promise<unknown> }>(client: T): T {
    this.closing.push(() => client.close());
    return client;
  }
}

/** Everything in a topic, from start to end. */
export async function readAll(reader: RangeReader, topic: string): Promise<KafkaRecord[]> {
  const [starts, ends] = await Promise.all([reader.offsets(topic, 'earliest'), reader.offsets(topic, 'latest')]);
  const records: KafkaRecord[] = [];
  for (const [partition, end] of ends.entries()) {
    for (let from = starts[partition] ?? 0n; from < end;) {
      const range = await reader.readRange(topic, partition, from, 1 << 20);
      records.push(...range.records);
      from = range.next;
    }
  }
  return records;
}

export function valueOf(record: KafkaRecord): string {
  return String(record.value);
}

/** For groups whose end a spec does not expect. */
export function neverHopeless(error: Error): never {
  throw error;
}

/** A tail listener that keeps what it hears. */
export class Heard implements TailListener {
  readonly records: KafkaRecord[] = [];
  readonly events: string[] = [];
  readonly next = new Map<number, bigint>();

  get values(): string[] {
    return this.records.map(valueOf);
  }

  onRecords(partition: number, records: KafkaRecord[], next: bigint): void {
    this.records.push(...records);
    this.next.set(partition, next);
  }

  onReset(reason: string, partition: number, next: bigint): void {
    this.events.push(`${reason} ${partition} ${next}`);
  }

  onPartitionAdded(partition: number, startOffset: bigint): void {
    this.events.push(`added ${partition} ${startOffset}`);
  }

  onDeleted(): void {
    this.events.push('deleted');
  }

  onUnavailable(): void {
    this.events.push('unavailable');
  }

  onAvailable(): void {
    this.events.push('available');
  }
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
  everyMs = 20,
): Promise<void> {
  for (const deadlineMs = Date.now() + timeoutMs; !(await condition()); await sleep(everyMs)) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
  }
}
