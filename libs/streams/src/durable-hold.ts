import { parseJson } from '@tidegate/contracts';
import type { KafkaAdmin } from '@tidegate/kafka';
import type { Logger } from '@tidegate/telemetry';
import type { SourcePosition } from './cursor';
import { DurableProgress } from './durable-progress';
import { leaseMs, type Leases } from './leases';
import type { StreamMetrics } from './metrics';

/** A topic that a stream is made of, as it is now. */
export interface DurableSource {
  topic: string;
  topicId: string;
  topicTag: number;
}

/** The committed positions of Kafka groups. */
export type GroupOffsets = Pick<KafkaAdmin, 'commitOffsets' | 'committedOffsets'>;

export interface DurableHoldOptions {
  group: string;
  stream: string;
  /** Unlike any other's, of any process. */
  holder: string;
  sources: () => readonly DurableSource[];
  offsets: GroupOffsets;
  leases: Leases;
  commitMs: number;
  metrics: StreamMetrics;
  logger: Logger;
  now: () => number;
}

/** Somebody else has it, or nobody can tell any more. */
export type LossReason = 'taken' | 'restart';

/** Without an answer for so long, the lease may be somebody else's soon. */
const certainMs = leaseMs - 5_000;
/** Renewals are so much rarer while there is nothing to commit. */
const idleTurns = 4;
/** Timers may fire a little early. */
const timerSlack = 0.9;

/**
 * A durable subscription while this process holds it. What was acknowledged is committed at most once per `commitMs`, and
 * never goes back; nothing is committed unless the lease has just been renewed.
 */
export class DurableHold {
  /** Told once when it is lost. */
  onLost: ((reason: LossReason) => void) | undefined;
  /** Told after each commit. */
  onCommitted: (() => void) | undefined;
  /** Asked before each commit, where rows go out at most once: what will be sent when it is stored. */
  reserve: (() => readonly SourcePosition[]) | undefined;
  lost: LossReason | undefined;
  private leased = true;
  private readonly progress = new Map<number, DurableProgress>();
  /** Somebody who held it before may have committed until a moment ago. */
  private read = false;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private certainAtMs: number;
  private committedAtMs = -Infinity;
  private released: Promise<void> | undefined;

  constructor(private readonly options: DurableHoldOptions) {
    this.certainAtMs = options.now();
  }

  get group(): string {
    return this.options.group;
  }

  get holder(): string {
    return this.options.holder;
  }

  /** Reads what is stored; undefined when nothing is, or of other topics. @throws AppError `unavailable` */
  async load(): Promise<SourcePosition[] | undefined> {
    await this.readStored();
    // A last commit of the one before may still be on its way: the first of ours looks again.
    this.read = false;
    const known = this.options.sources().flatMap(({ topicTag }) => {
      const offsets = this.storedOf(topicTag);
      return offsets === undefined ? [] : [{ topicTag, offsets }];
    });
    return known.length === 0 ? undefined : known;
  }

  /** What is stored of a source. */
  storedOf(topicTag: number): bigint[] | undefined {
    return this.progressOf(topicTag).position;
  }

  /** From here on it renews its lease and commits. */
  start(): void {
    this.timer = setInterval(() => this.turn(), this.options.commitMs).unref();
  }

  /** What is not further on than before changes nothing, and offsets of a topic that is no source mean nothing. */
  ack(position: readonly SourcePosition[]): void {
    const sources = this.options.sources();
    for (const { topicTag, offsets } of position) {
      if (sources.some((source) => source.topicTag === topicTag)) this.progressOf(topicTag).ack(offsets);
    }
  }

  /** One renewal of the lease and, if there is something to commit, one commit. */
  turn(): void {
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  /** Whoever uses it is told that it goes to somebody else, or is not certain any more. */
  lose(reason: LossReason): void {
    if (this.lost !== undefined || this.released !== undefined) return;
    this.lost = reason;
    this.onLost?.(reason);
  }

  /** Commits what is acknowledged and gives the lease back. */
  release(): Promise<void> {
    this.released ??= this.giveBack();
    return this.released;
  }

  private async giveBack(): Promise<void> {
    clearInterval(this.timer);
    await this.working;
    // What was reserved and did not go out is not to be passed over.
    if (this.reserve === undefined) await this.work(true);
    await this.options.leases.release(this.group, this.holder);
  }

  private async work(last = false): Promise<void> {
    const { leases, group, holder, stream, now, logger, commitMs } = this.options;
    if (!this.leased) return;
    if (this.reserve !== undefined) this.ack(this.reserve());
    // Who has nothing to commit does not ask as often.
    if (!last && this.ahead.length === 0 && now() - this.certainAtMs < commitMs * idleTurns) return;
    const askedAtMs = now();
    try {
      const messages = await leases.renew(group, holder);
      if (messages === undefined) return this.loseLease('taken');
      this.certainAtMs = now();
      for (const message of messages) this.ack(parseMessage(message));
      await this.commit(last);
    } catch (error) {
      logger.warn({ err: error, group, stream }, 'a durable position could not be committed');
      // However long Kafka may have kept us waiting since: the lease was certain before that.
      if (askedAtMs - this.certainAtMs > certainMs) this.loseLease('restart');
    }
  }

  private loseLease(reason: LossReason): void {
    this.leased = false;
    clearInterval(this.timer);
    this.lose(reason);
  }

  private async commit(last: boolean): Promise<void> {
    const { now, commitMs } = this.options;
    if (!last && now() - this.committedAtMs < commitMs * timerSlack) return;
    if (this.ahead.length === 0) return;
    if (!this.read) await this.readStored();
    this.committedAtMs = now();
    for (const source of this.ahead) await this.commitSource(source);
    this.onCommitted?.();
  }

  /** Sources of which more is acknowledged than stored. */
  private get ahead(): DurableSource[] {
    return this.options.sources().filter(({ topicTag }) => this.progressOf(topicTag).next !== undefined);
  }

  private async commitSource({ topic, topicId, topicTag }: DurableSource): Promise<void> {
    const { offsets: groups, group, metrics, stream } = this.options;
    const progress = this.progressOf(topicTag);
    const next = progress.next ?? [];
    try {
      const offsets = next.map((offset, partition) => ({ partition, offset, metadata: topicId }));
      await groups.commitOffsets(group, topic, offsets);
    } catch (error) {
      // It may have been done all the same.
      this.read = false;
      metrics.commits.inc({ stream, outcome: 'failed' });
      throw error;
    }
    next.forEach((offset, partition) => progress.store(partition, offset));
    metrics.commits.inc({ stream, outcome: 'done' });
  }

  private async readStored(): Promise<void> {
    const { sources, offsets: groups, group } = this.options;
    await Promise.all(
      sources().map(async ({ topic, topicId, topicTag }) => {
        for (const { partition, offset, metadata } of await groups.committedOffsets(group, topic)) {
          if (metadata === topicId) this.progressOf(topicTag).store(partition, offset);
        }
      }),
    );
    this.read = true;
  }

  private progressOf(topicTag: number): DurableProgress {
    const known = this.progress.get(topicTag);
    if (known !== undefined) return known;
    const progress = new DurableProgress();
    this.progress.set(topicTag, progress);
    return progress;
  }
}

/** An acknowledgement for whoever holds the subscription. */
export function messageOf(position: readonly SourcePosition[]): string {
  return JSON.stringify(position.map(({ topicTag, offsets }) => [topicTag, offsets.map(String)]));
}

function parseMessage(message: string): SourcePosition[] {
  const sources = parseJson(message) as [number, string[]][];
  return sources.map(([topicTag, offsets]) => ({ topicTag, offsets: offsets.map(BigInt) }));
}
