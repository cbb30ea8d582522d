import type { Gauge } from '@tidegate/telemetry';
import type { PendingRecord } from './pending-record';

/** Deadlines are kept to about this. */
const sweepMs = 20;

/** All records without an outcome yet: counts their bytes and ends those whose deadline passes, wherever they wait. */
export class PendingRecords {
  private readonly records = new Set<PendingRecord>();
  private timer: NodeJS.Timeout | undefined;
  private sweepAtMs = Infinity;
  private onEmpty: () => void = () => undefined;
  bytes = 0;

  constructor(
    private readonly gauge: Gauge,
    private readonly onExpired: () => void,
  ) {}

  add(record: PendingRecord): void {
    this.records.add(record);
    this.count(record.bytes);
    this.sweepBy(record.deadlineMs);
  }

  remove(record: PendingRecord): void {
    if (!this.records.delete(record)) return;
    this.count(-record.bytes);
    if (this.records.size === 0) this.onEmpty();
  }

  async drained(): Promise<void> {
    if (this.records.size === 0) return;
    await new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
  }

  giveUp(): void {
    for (const record of this.records) record.giveUp();
    clearTimeout(this.timer);
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    this.gauge.inc(bytes);
  }

  private sweepBy(deadlineMs: number): void {
    if (deadlineMs >= this.sweepAtMs) return;
    clearTimeout(this.timer);
    this.sweepAtMs = deadlineMs;
    this.timer = setTimeout(() => this.sweep(), Math.max(deadlineMs - Date.now(), sweepMs));
  }

  private sweep(): void {
    this.sweepAtMs = Infinity;
    const nowMs = Date.now();
    let nextMs = Infinity;
    for (const record of this.records) {
      if (record.expire(nowMs)) this.onExpired();
      else nextMs = Math.min(nextMs, record.deadlineMs);
    }
    if (nextMs < Infinity) this.sweepBy(nextMs);
  }
}
