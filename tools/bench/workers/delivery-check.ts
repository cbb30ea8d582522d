import { nowMs, scanMarks } from './stream-marks';

const bucketsPerMs = 10;
/** Beyond it all latencies count as this. */
const maxMs = 20_000;

/** What all clients got: each record once and in order by partition, and how long each took. */
export class DeliveryCheck {
  deliveries = 0;
  /** Of records sent since `measureFrom`. */
  measured = 0;
  lastAtMs = 0;
  private fromMs = Infinity;
  private readonly latencies = new Uint32Array(maxMs * bucketsPerMs + 1);

  measureFrom(ms: number): void {
    this.fromMs = ms;
  }

  /** For one client: takes what it has received. @throws Error when a record is missing, comes again or out of order */
  client(): (bytes: Buffer) => number {
    const next: number[] = [];
    let atMs = 0;
    const onMark = (sequence: number, partition: number, sentAtMs: number) => {
      const expected = next[partition] ?? 0;
      if (sequence !== expected) throw new Error(`partition ${partition}: ${sequence} came instead of ${expected}`);
      next[partition] = sequence + 1;
      this.deliveries++;
      if (sentAtMs >= this.fromMs) this.count(atMs - sentAtMs);
    };
    return (bytes) => {
      atMs = this.lastAtMs = nowMs();
      return scanMarks(bytes, onMark);
    };
  }

  quantile(share: number): number {
    let left = this.measured * share;
    const bucket = this.latencies.findIndex((count) => (left -= count) < 0);
    return bucket / bucketsPerMs;
  }

  private count(latencyMs: number): void {
    this.measured++;
    const bucket = Math.min(this.latencies.length - 1, Math.max(0, Math.round(latencyMs * bucketsPerMs)));
    this.latencies[bucket]!++;
  }
}
