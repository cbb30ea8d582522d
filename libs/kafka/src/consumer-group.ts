import type { AppError } from '@tidegate/errors';
import type { Health } from '@tidegate/telemetry';
import type { Consumer } from 'kafkajs';
import { kafkaClient } from './client';
import { Cluster } from './cluster';
import { reasonOf, translateKafkaError } from './errors';
import type { KafkaRecord } from './fetched-record';
import { GroupCoordinator } from './group-coordinator';
import { GroupDiagnosis } from './group-diagnosis';
import { GroupLag } from './group-lag';
import { GroupWork, heartbeatMs } from './group-work';
import { kafkaMetrics, type KafkaMetrics } from './metrics';
import { kafkaSettings, type KafkaDeps, type KafkaOptions } from './options';
import { atMost, backoffMs, delay } from './timing';

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
const firstRestartMs = 500;
const maxRestartMs = 5_000;
/** Short, since kafkajs keeps a connection whose requests timed out: a broker that thaws lets them all wait, one after the other. */
const maxWaitMs = 1_000;
/** Fetches come back every second, and work sends heartbeats every 3 s: a member silent for this long is dead, or waits to join. */
const silentMs = 12_000;
const defaultHopelessAfterMs = 300_000;
/** For kafkajs to leave the group, which a frozen broker would make take a minute. */
const leaveTimeoutMs = 5_000;

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
  /** Under which the group knew us last; it may still wait for that member. */
  private memberId: string | undefined;
  private readonly work: GroupWork;
  private readonly coordinator: GroupCoordinator;
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
    this.metrics.clusters.set(this.cluster, 'group');
    this.work = new GroupWork(groupId, (records) => settings.onBatch(records), this.metrics);
    this.coordinator = new GroupCoordinator(this.cluster, requestTimeoutMs);
    const { cluster, coordinator } = this;
    const { hopelessAfterMs = defaultHopelessAfterMs } = options;
    this.diagnosis = new GroupDiagnosis(cluster, { groupId, topic: topics[0] ?? '', hopelessAfterMs });
    this.lag = new GroupLag({
      ...{ groupId, topics, cluster, coordinator },
      gauge: this.metrics.groupLag,
      logger: deps.logger,
    });
  }

  /** Returns at once; whether the group was joined shows in `check`. */
  start(): Promise<void> {
    this.lag.start();
    this.running ??= this.keepRunning();
    return Promise.resolve();
  }

  /** A member that is alive and cannot do its work is not healthy either. */
  check(): Health {
    const silentForMs = Date.now() - this.lastSignAtMs;
    const { failure } = this.work;
    if (silentForMs < silentMs && failure === '') return { ok: true };
    const silence = this.lastSignAtMs > 0 ? `silent for ${Math.floor(silentForMs / 1_000)} s` : this.lastFailure;
    const reason = silentForMs < silentMs ? `its work fails: ${failure}` : silence;
    return { ok: false, reason: `group ${this.settings.groupId}: ${reason}` };
  }

  /** Waits for the batch in work, commits it and leaves the group; for Kafka it waits 5 s. */
  async stop(): Promise<void> {
    this.stopped.abort();
    const disconnected = this.consumer?.disconnect().catch(() => undefined);
    await this.work.done();
    const left = Promise.all([disconnected, this.running]);
    await atMost(left, leaveTimeoutMs);
    this.lag.stop();
    this.metrics.clusters.delete(this.cluster);
    await this.cluster.close();
  }

  private async keepRunning(): Promise<void> {
    const { groupId, deps } = this.settings;
    for (let crashes = 0; !this.stopped.signal.aborted; crashes += 1) {
      const startedAtMs = Date.now();
      try {
        await this.runOnce();
      } catch (error) {
        this.lastFailure = reasonOf(error);
        const worked = this.lastSignAtMs > 0;
        this.lastSignAtMs = 0;
        this.metrics.errors.inc({ client: 'group', kind: 'crash' });
        const hopeless = this.work.failed ? undefined : await this.diagnosis.hopeless(error, worked);
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
    this.work.begin();
    await this.leaveFormer();
    if (this.stopped.signal.aborted) return;
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
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.memberId = payload.memberId;
      this.work.assign(payload.memberAssignment);
      this.metrics.groupJoins.inc({ group: this.settings.groupId });
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: this.settings.topics, fromBeginning: this.options.startAt !== 'latest' });
      await consumer.run({ eachBatch: (payload) => this.work.do(payload) });
      await Promise.race([crashed, aborted(this.stopped.signal)]);
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }

  /** A crash leaves a member behind, and who joins waits until its session is over: 45 s after the return of a broker. */
  private async leaveFormer(): Promise<void> {
    // kafkajs would knock at Kafka's door for seconds on end; this fails at once.
    await this.cluster.metadata([]);
    if (this.memberId === undefined) return;
    await this.coordinator.remove(this.settings.groupId, this.memberId);
    this.memberId = undefined;
  }

  private makeConsumer(): Consumer {
    const { sessionTimeoutMs = 45_000, rebalanceTimeoutMs = 90_000 } = this.options;
    return kafkaClient(kafkaSettings(this.options, requestTimeoutMs), this.settings.deps.logger).consumer({
      groupId: this.settings.groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: maxWaitMs,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
