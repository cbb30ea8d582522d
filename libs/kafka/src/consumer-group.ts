import type { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { kafkaClient } from './client';
import { Cluster } from './cluster';
import { reasonOf, translateKafkaError } from './errors';
import type { KafkaRecord } from './fetched-record';
import { GroupDiagnosis } from './group-diagnosis';
import { GroupLag } from './group-lag';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { backoffMs, delay } from './timing';

export type ConsumerGroupOptions = KafkaOptions & {
  /** How long the group waits for a silent member; 45 s by default. */
  sessionTimeoutMs?: number;
  /** How long a rebalance waits for members to finish their batch; 90 s by default. */
  rebalanceTimeoutMs?: number;
  /** Without a membership for this long while Kafka answers, waiting is taken to mend nothing; 5 min by default. */
  hopelessAfterMs?: number;
  /** Where a group without a position starts; `earliest` by default. */
  startAt?: 'earliest' | 'latest';
};

export interface ConsumerGroupSettings {
  groupId: string;
  topics: string[];
  /** Records of one partition, in order. They are committed when it resolves; when it rejects they come again, so it must bear repeats. */
  onBatch(records: KafkaRecord[]): Promise<void>;
  /**
   * Called once when no waiting mends it: Kafka refuses the group, or there was no membership for `hopelessAfterMs` while Kafka answered.
   * The group has ended, so the process should too, and not with 0. Work that fails is never hopeless.
   */
  onHopeless(error: AppError): void;
  deps: KafkaDeps;
}

const requestTimeoutMs = 10_000;
const heartbeatMs = 3_000;
const firstRestartMs = 500;
const maxRestartMs = 5_000;
/** Fetches come back at least every 5 s, and processing sends heartbeats every 3 s: a member silent for this long is dead. */
const silentMs = 20_000;
const defaultHopelessAfterMs = 300_000;

/**
 * Reads topics as a member of a group, at least once. Joins when Kafka is there, and joins again after every crash until it is hopeless.
 * kafkajs reads the records, which checks no CRC: the broker did when it took them.
 */
export class ConsumerGroup {
  private consumer: Consumer | undefined;
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private lastSignAtMs = 0;
  private lastFailure = 'not joined yet';
  private workFailed = false;
  private readonly cluster: Cluster;
  private readonly lag: GroupLag;
  private readonly diagnosis: GroupDiagnosis;
  private readonly metrics: KafkaMetrics;

  constructor(
    private readonly options: ConsumerGroupOptions,
    private readonly settings: ConsumerGroupSettings,
  ) {
    const { groupId, topics, deps } = settings;
    this.metrics = kafkaMetrics(deps.registry);
    const kafka = kafkaSettings(options, requestTimeoutMs);
    this.cluster = new Cluster(kafka, deps.logger);
    const { groupLag: gauge } = this.metrics;
    const { cluster } = this;
    const { hopelessAfterMs = defaultHopelessAfterMs } = options;
    this.diagnosis = new GroupDiagnosis(cluster, { groupId, topic: topics[0] ?? '', hopelessAfterMs });
    this.lag = new GroupLag({ groupId, topics, cluster, timeoutMs: requestTimeoutMs, gauge, logger: deps.logger });
  }

  /** Returns at once; whether the group was joined shows in `check`. */
  start(): Promise<void> {
    this.lag.start();
    this.running ??= this.keepRunning();
    return Promise.resolve();
  }

  check(): Health {
    if (Date.now() - this.lastSignAtMs < silentMs) return { ok: true };
    return { ok: false, reason: `group ${this.settings.groupId}: ${this.lastFailure}` };
  }

  /** Waits for the batch in work, commits it and leaves the group. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.consumer?.disconnect().catch(() => undefined);
    await this.running;
    this.lag.stop();
    await this.cluster.close();
  }

  private async keepRunning(): Promise<void> {
    const { groupId, deps } = this.settings;
    for (let crashes = 0; !this.stopped.signal.aborted; crashes += 1) {
      const startedAtMs = Date.now();
      this.workFailed = false;
      try {
        await this.runOnce();
      } catch (error) {
        this.lastFailure = reasonOf(error);
        const worked = this.lastSignAtMs > 0;
        this.lastSignAtMs = 0;
        const hopeless = this.workFailed ? undefined : await this.diagnosis.hopeless(error, worked);
        if (hopeless !== undefined && !this.stopped.signal.aborted) return this.giveUp(hopeless);
        deps.logger.warn({ err: error, groupId }, 'consumer group stopped; joining again');
      }
      if (this.stopped.signal.aborted) return;
      if (Date.now() - startedAtMs > silentMs) crashes = 0;
      await delay(backoffMs(crashes, firstRestartMs, maxRestartMs), undefined, { signal: this.stopped.signal }).catch(
        () => undefined,
      );
    }
  }

  private giveUp(error: unknown): void {
    const { groupId, deps } = this.settings;
    deps.logger.error({ err: error, groupId }, 'consumer group cannot go on');
    this.settings.onHopeless(translateKafkaError(error, `read as group ${groupId}`));
  }

  /** One membership; rejects when it ends. kafkajs' own restart is off: it gives up on errors that it takes for final. */
  private async runOnce(): Promise<void> {
    const consumer = this.makeConsumer();
    this.consumer = consumer;
    const crashed = new Promise<never>((_, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    });
    crashed.catch(() => undefined);
    const alive = () => {
      this.lastSignAtMs = Date.now();
    };
    consumer.on(consumer.events.HEARTBEAT, alive);
    consumer.on(consumer.events.FETCH, alive);
    consumer.on(consumer.events.GROUP_JOIN, () => this.metrics.groupJoins.inc({ group: this.settings.groupId }));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: this.settings.topics, fromBeginning: this.options.startAt !== 'latest' });
      await consumer.run({ eachBatch: (payload) => this.work(payload) });
      await Promise.race([crashed, aborted(this.stopped.signal)]);
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }

  private makeConsumer(): Consumer {
    const { sessionTimeoutMs = 45_000, rebalanceTimeoutMs = 90_000 } = this.options;
    return kafkaClient(kafkaSettings(this.options, requestTimeoutMs), this.settings.deps.logger).consumer({
      groupId: this.settings.groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
  }

  private async work(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    if (!payload.isRunning() || payload.isStale() || batch.isEmpty()) return;
    // Long work must not look like death; a heartbeat that fails is repeated by kafkajs' own after the batch.
    const beating = setInterval(() => void payload.heartbeat().catch(() => undefined), heartbeatMs);
    const stop = this.metrics.groupBatchSeconds.startTimer({ group: this.settings.groupId });
    try {
      await this.settings.onBatch(batch.messages.map((message) => recordOf(batch.topic, batch.partition, message)));
    } catch (error) {
      this.workFailed = true;
      throw error;
    } finally {
      stop();
      clearInterval(beating);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
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
