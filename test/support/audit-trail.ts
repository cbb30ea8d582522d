import { auditEventSchema, type AuditActivity, type AuditEvent } from '@tidegate/contracts';
import { TopicLog } from './topic-log';

/** An event that is no gap. */
export type Activity = AuditEvent & { data: AuditActivity };

/** What stands in `audit.events`, each event judged by its contract. */
export class AuditTrail {
  private constructor(private readonly log: TopicLog) {}

  static async open(brokers: readonly string[]): Promise<AuditTrail> {
    return new AuditTrail(await TopicLog.open(brokers, 'audit.events', 'earliest'));
  }

  get events(): AuditEvent[] {
    return this.log.records.map(({ value }) => auditEventSchema.parse(value));
  }

  get text(): string {
    return JSON.stringify(this.log.records);
  }

  /** The places in the topic that the events of one writer have. */
  partitionsOf(source: string): Set<number> {
    return new Set(this.log.records.flatMap(({ key, partition }) => (key === source ? [partition] : [])));
  }

  /** The events about requests that carried these ids, once all of them are there. */
  async ofRequests(ids: readonly string[], timeoutMs?: number): Promise<Activity[]> {
    const wanted = new Set(ids);
    const found = () =>
      this.activities.filter(({ data }) => data.requestId !== undefined && wanted.has(data.requestId));
    await this.until(() => new Set(found().map(({ data }) => data.requestId)).size === wanted.size, timeoutMs);
    return found();
  }

  async until(holds: () => boolean, timeoutMs?: number): Promise<void> {
    await this.log.until(holds, timeoutMs);
  }

  get activities(): Activity[] {
    return this.events.filter((event): event is Activity => event.type !== 'tidegate.audit.gap');
  }

  /** Numbers of one writer: those in the log in their order there, without repetition, and those that gaps stand for. */
  account(source: string): { seqs: number[]; missing: number[] } {
    const own = this.events.filter((event) => event.source === source);
    const seqs = [...new Set(own.map(({ data }) => data.writer.seq))];
    const gaps = new Map(own.flatMap(({ data }) => ('gap' in data ? [[data.writer.seq, data.gap] as const] : [])));
    const missing = [...gaps.values()].flatMap(({ from, count }) => Array.from({ length: count }, (_, n) => from + n));
    return { seqs, missing };
  }

  close(): Promise<void> {
    return this.log.close();
  }
}
