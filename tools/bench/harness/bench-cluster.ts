import { Kafka, logLevel, type Admin } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafka, type KafkaCluster } from '../../infra/index.ts';

const pauseMs = 50;
const mostTries = 200;

/** The broker that both sides use, with topics that are gone again when they were measured. */
export class BenchCluster {
  readonly brokers: string[];
  private readonly cluster: KafkaCluster;
  private readonly admin: Admin;

  private constructor(cluster: KafkaCluster, admin: Admin) {
    this.brokers = cluster.brokers;
    this.cluster = cluster;
    this.admin = admin;
  }

  static async start(): Promise<BenchCluster> {
    const cluster = await startKafka({
      // Compiled as well as Java can: a broker that is measured runs longer than one that is tested with.
      javaOptions: ['-Xmx1g', '-XX:TieredStopAtLevel=4'],
      properties: { 'log.segment.delete.delay.ms': 1_000 },
    });
    process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
    const admin = new Kafka({ brokers: cluster.brokers, clientId: 'bench', logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    return new BenchCluster(cluster, admin);
  }

  /** Makes topics that stay as long as the cluster. */
  async createTopics(count: number, numPartitions: number): Promise<string[]> {
    const topics = Array.from({ length: count }, () => `bench-${randomUUID()}`);
    const created = topics.map((topic) => ({ topic, numPartitions }));
    await this.admin.createTopics({ topics: created, waitForLeaders: false });
    await this.untilLed(topics);
    return topics;
  }

  /** Makes topics for the time of `work`. */
  async withTopics<T>(count: number, work: (topics: string[]) => Promise<T>): Promise<T> {
    const topics = await this.createTopics(count, 6);
    try {
      return await work(topics);
    } finally {
      await this.admin.deleteTopics({ topics });
    }
  }

  async withTopic<T>(work: (topic: string) => Promise<T>): Promise<T> {
    return this.withTopics(1, ([topic = '']) => work(topic));
  }

  /** @throws Error when the topic does not hold all that was acknowledged */
  async expectRecords(topic: string, acked: number): Promise<void> {
    const partitions = await this.admin.fetchTopicOffsets(topic);
    const held = partitions.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
    if (held < acked) throw new Error(`${acked} records were acknowledged and ${held} are in the topic`);
  }

  async stop(): Promise<void> {
    await this.admin.disconnect();
    await this.cluster.stop();
  }

  /** Asked again until it is true: kafkajs' own wait fails on a broker that has not heard of the topic yet. */
  private async untilLed(topics: string[]): Promise<void> {
    const areLed = async (): Promise<boolean> => {
      const found = await this.admin.fetchTopicMetadata({ topics });
      return found.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    };
    for (let tries = 0; !(await areLed().catch(() => false)); tries += 1) {
      if (tries === mostTries) throw new Error('the new topics have no leaders');
      await sleep(pauseMs);
    }
  }
}
