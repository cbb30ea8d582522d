import { auditEventSchema, type AuditEvent } from '@tidegate/contracts';
import type { ProducerRecord } from '@tidegate/kafka';
import { Registry, type Logger } from '@tidegate/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { AuditLog, type AuditSender } from './audit-log';
import type { AuditEntry } from './event';
import type { AuditOptions } from './options';

/** Stands in for the producer: says when Kafka is away, and keeps what it was given. */
class MemorySender implements AuditSender {
  readonly records: ProducerRecord[] = [];
  refuse: (record: ProducerRecord) => Error | undefined = () => undefined;
  /** Records that wait for Kafka to come back. */
  waiting: (() => void)[] = [];
  private away = false;

  async send(record: ProducerRecord): Promise<void> {
    if (this.away) await new Promise<void>((resolve) => this.waiting.push(resolve));
    const refusal = this.refuse(record);
    if (refusal !== undefined) throw refusal;
    this.records.push(record);
  }

  goAway(): void {
    this.away = true;
  }

  comeBack(): void {
    this.away = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** What a reader of the topic finds; each event keeps the contract. */
  get events(): AuditEvent[] {
    return this.records.map(({ value }) => auditEventSchema.parse(JSON.parse(String(value))));
  }

  get text(): string {
    return this.records.map(({ value }) => String(value)).join('\n');
  }
}

export interface Book {
  sender: MemorySender;
  log: AuditLog;
  registry: Registry;
  lines: { level: 'warn' | 'error'; message: string; about: object }[];
}

export function book(options: Partial<AuditOptions> = {}): Book {
  const sender = new MemorySender();
  const registry = new Registry();
  const lines: Book['lines'] = [];
  const at = (level: 'warn' | 'error') => (about: object, message: string) =>
    void lines.push({ level, about, message });
  const logger = { warn: at('warn'), error: at('error') } as unknown as Logger;
  const log = new AuditLog({ app: 'mobile', lingerMs: 0, flushMs: 2_000, ...options }, { sender, logger, registry });
  return { sender, log, registry, lines };
}

export function readEntry(over: Partial<AuditEntry> = {}): AuditEntry {
  return {
    type: 'request',
    operation: 'GET /orders',
    actor: { type: 'user', subject: '13', tenant: 'north', roles: ['customer'], method: 'bearer' },
    action: 'read',
    resource: { route: '/orders', streams: ['orders'] },
    decision: 'allow',
    grants: ['own-orders'],
    policyVersion: 'v1',
    rows: { given: 2, heldBack: 1 },
    status: 200,
    latencyMs: 3.2,
    requestId: 'r1',
    outcome: 'ok',
    ...over,
  };
}

export function writeEntry(over: Partial<AuditEntry> = {}): AuditEntry {
  return readEntry({ operation: 'POST /orders', action: 'write', ...over });
}

/** Numbers of the events that are there, and of those that a gap stands for. */
export function account(events: readonly AuditEvent[]): { seqs: number[]; missing: number[] } {
  const seqs = events.map(({ data }) => data.writer.seq);
  const gaps = events.flatMap(({ data }) => ('gap' in data ? [data.gap] : []));
  const missing = gaps.flatMap(({ from, count }) => Array.from({ length: count }, (_, index) => from + index));
  return { seqs, missing };
}

export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1_000) throw new Error('waited in vain');
    await delay(3);
  }
}

export async function metric(registry: Registry, line: string): Promise<number> {
  const text = await registry.metrics();
  const value = text.split('\n').find((one) => one.startsWith(`${line} `));
  return Number(value?.split(' ').at(-1));
}
