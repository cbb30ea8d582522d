import { topics } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { ProducerRecord } from '@tidegate/kafka';
import type { Health, HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { activityEvent, gapEvent, uuid7, writerName, type AuditEntry, type Stamp } from './event';
import { EventQueue, type QueuedEvent } from './event-queue';
import { auditMetrics, type AuditMetrics } from './metrics';
import { auditOptionsSchema, type AuditOptions, type AuditSettings } from './options';

/** Where events go: the `Producer` of `@tidegate/kafka`. */
export interface AuditSender {
  send(record: ProducerRecord, options: { timeoutMs: number }): Promise<unknown>;
}

export interface AuditLogDeps {
  sender: AuditSender;
  logger: Logger;
  registry: Registry;
  now?: () => number;
}

/** Below the producer's own limits for a batch, so that one is written as a whole or not at all. */
const batchLimits = { maxEvents: 500, maxBytes: 512 * 1024 };
/** The producer tries for so long before it gives a record back: nothing overtakes what it is trying. */
const sendTimeoutMs = 86_400_000;
const retryMs = 1_000;
const flushStepMs = 10;
const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };

/**
 * The audit events of one process, on their way to Kafka in the order in which they were recorded. They wait in a bounded
 * queue; what finds no room is left out and counted, and the event behind the hole says how many are missing.
 */
export class AuditLog {
  /** Fails while events are left out, or are about to be; no reason to take the process away from its clients. */
  readonly health: HealthCheck = { name: 'audit', required: false, check: () => this.check() };
  private readonly settings: AuditSettings;
  private readonly queue: EventQueue;
  private readonly metrics: AuditMetrics;
  private readonly boot: string;
  private readonly now: () => number;
  /** The number of the last event that was recorded, whether it found room or not. */
  private seq = 0;
  private gap: { from: number; count: number } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sending = false;
  private failing = false;
  private state: 'open' | 'closing' | 'closed' = 'open';

  constructor(
    options: AuditOptions,
    private readonly deps: AuditLogDeps,
  ) {
    this.settings = auditOptionsSchema.parse(options);
    this.now = deps.now ?? Date.now;
    this.boot = uuid7(this.now());
    this.queue = new EventQueue(this.settings);
    this.metrics = auditMetrics(deps.registry, this.queue);
  }

  /**
   * Takes an event, or what makes one, and returns at once. Never throws, whatever happens in there: what is audited must not
   * suffer from it.
   */
  record(entry: AuditEntry | (() => AuditEntry)): void {
    try {
      this.take(typeof entry === 'function' ? entry() : entry);
    } catch (error) {
      this.deps.logger.error({ err: error }, 'an audit event could not be made');
      this.leaveOut('bad event');
    }
  }

  /** Sends what waits, for `flushMs` at most. What is recorded from now on is lost. */
  async close(): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'closing';
    const untilMs = this.now() + this.settings.flushMs;
    clearTimeout(this.timer);
    this.tellGap();
    void this.sendAll();
    while (this.queue.size > 0 && this.now() < untilMs) await delay(flushStepMs);
    this.state = 'closed';
    if (this.queue.size === 0) return;
    this.deps.logger.error({ events: this.queue.size }, 'audit events may be lost: Kafka did not take them in time');
  }

  private take(entry: AuditEntry): void {
    const isRead = isPermittedRead(entry);
    if (this.state !== 'open') return this.leaveOut('closed');
    if (!this.queue.hasRoom(0, isRead)) return this.leaveOut('no room');
    const seq = this.seq + (this.gap === undefined ? 1 : 2);
    const value = bytesOf(activityEvent(entry, this.stamp(seq)));
    if (!this.queue.hasRoom(value.length, isRead)) return this.leaveOut('no room');
    this.tellGap();
    this.push(seq, value);
  }

  private leaveOut(reason: 'no room' | 'closed' | 'bad event'): void {
    this.seq += 1;
    this.metrics.events.inc({ outcome: 'dropped' });
    if (this.gap !== undefined) {
      this.gap.count += 1;
      return;
    }
    this.gap = { from: this.seq, count: 1 };
    this.deps.logger.warn({ reason, waiting: this.queue.size }, 'audit events are left out');
  }

  /** What is missing is said by an event of its own, whose number follows the missing ones. */
  private tellGap(): void {
    if (this.gap === undefined) return;
    const { gap } = this;
    const seq = this.seq + 1;
    this.gap = undefined;
    this.push(seq, bytesOf(gapEvent(gap, this.stamp(seq))));
  }

  private push(seq: number, value: Buffer): void {
    this.seq = seq;
    this.queue.push({ seq, value });
    if (this.state === 'open' && !this.sending) {
      this.timer ??= setTimeout(() => void this.sendAll(), this.settings.lingerMs);
    }
  }

  private async sendAll(): Promise<void> {
    this.timer = undefined;
    if (this.sending) return;
    this.sending = true;
    while (this.queue.size > 0 && this.state !== 'closed') {
      if (!(await this.sendBatch())) await delay(retryMs);
      // Also when nothing more happens, what is missing is said as soon as there is room again.
      if (this.queue.hasRoom(0, true)) this.tellGap();
    }
    this.sending = false;
  }

  /** False when it has to be tried again. */
  private async sendBatch(): Promise<boolean> {
    const batch = this.queue.head(batchLimits);
    const results = await Promise.allSettled(batch.map((event) => this.send(event)));
    const sent = new Set(batch.filter((_, index) => results[index]?.status === 'fulfilled'));
    this.queue.remove(sent);
    this.metrics.events.inc({ outcome: 'sent' }, sent.size);
    const failures = results.flatMap((result, index) => {
      const event = batch[index];
      return result.status === 'rejected' && event ? [{ event, error: AppError.from(result.reason) }] : [];
    });
    const unsent = failures.filter(({ event, error }) => !this.replaceRefused(event, error));
    this.noteFailure(unsent[0]?.error);
    return unsent.length === 0;
  }

  private send({ value }: QueuedEvent): Promise<unknown> {
    const key = writerName({ app: this.settings.app, boot: this.boot });
    return this.deps.sender.send({ topic: topics.audit, key, value, headers }, { timeoutMs: sendTimeoutMs });
  }

  /** An event that will never be taken: its place is kept by one that says so. */
  private replaceRefused(event: QueuedEvent, error: AppError): boolean {
    if (!refusals.has(error.code) || event.isGap === true) return false;
    const { seq } = event;
    this.metrics.events.inc({ outcome: 'dropped' });
    this.deps.logger.error({ err: error, seq }, 'Kafka refuses an audit event');
    this.queue.replace(event, { seq, value: bytesOf(gapEvent({ from: seq, count: 1 }, this.stamp(seq))), isGap: true });
    return true;
  }

  private noteFailure(error: AppError | undefined): void {
    if (error !== undefined && !this.failing && this.state !== 'closed') {
      this.deps.logger.warn({ err: error }, 'audit events cannot be sent');
    }
    this.failing = error !== undefined;
  }

  private stamp(seq: number): Stamp {
    return { app: this.settings.app, boot: this.boot, seq, timeMs: this.now() };
  }

  private check(): Health {
    if (this.gap === undefined && this.queue.hasRoom(0, true)) return { ok: true };
    const left = this.gap === undefined ? '' : `, ${this.gap.count} were left out`;
    return { ok: false, reason: `${this.queue.size} events wait for Kafka${left}` };
  }
}

const refusals = new Set(['too_large', 'invalid_argument']);

/** What is left out first: reads that went well are the most, and the least that an auditor asks for. */
function isPermittedRead({ type, action, decision }: AuditEntry): boolean {
  return action === 'read' && decision === 'allow' && (type === 'request' || type === 'stream.minute');
}

function bytesOf(event: object): Buffer {
  return Buffer.from(JSON.stringify(event));
}
