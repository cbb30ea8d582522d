import { Counter, Gauge, type Registry } from '@tidegate/telemetry';

export interface AuditMetrics {
  events: Counter<'outcome'>;
}

/** What operators see of the log. */
export function auditMetrics(
  registry: Registry,
  queue: { readonly size: number; readonly bytes: number },
): AuditMetrics {
  const registers = [registry];
  new Gauge({
    name: 'tidegate_audit_queued_events',
    help: 'Audit events that wait for Kafka',
    registers,
    collect() {
      this.set(queue.size);
    },
  });
  new Gauge({
    name: 'tidegate_audit_queued_bytes',
    help: 'Bytes of the audit events that wait for Kafka',
    registers,
    collect() {
      this.set(queue.bytes);
    },
  });
  const events = new Counter({
    name: 'tidegate_audit_events_total',
    help: 'Audit events by what became of them: sent (acknowledged by Kafka) or dropped (counted in a gap event)',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['sent', 'dropped']) events.inc({ outcome }, 0);
  return { events };
}
