import type { StreamLimits } from './limits';
import type { SessionSink } from './session-sink';

/** When a reader is too slow. */
export class SlowClock {
  private blockedSinceMs: number | undefined;
  private lagSinceMs: number | undefined;
  private leastBytes = Infinity;
  private stalledSinceMs: number | undefined;

  constructor(
    private readonly limits: StreamLimits,
    private readonly sink: Pick<SessionSink, 'bufferedBytes'>,
  ) {}

  startLagging(nowMs: number): void {
    this.lagSinceMs = nowMs;
  }

  stopLagging(): void {
    this.lagSinceMs = undefined;
  }

  /** Last values wait for a slow reader as long as it takes anything at all. */
  isOver(nowMs: number, mode: 'events' | 'latest', waitsForKafka: boolean): boolean {
    const { highWaterBytes, maxBlockedMs, maxLagMs, maxStalledMs } = this.limits;
    const bytes = this.sink.bufferedBytes();
    if (bytes <= highWaterBytes) this.blockedSinceMs = this.stalledSinceMs = undefined;
    else this.look(bytes, nowMs);
    if (mode === 'latest') return nowMs - (this.stalledSinceMs ?? nowMs) > maxStalledMs;
    if (this.lagSinceMs !== undefined && waitsForKafka) this.lagSinceMs = nowMs;
    return nowMs - (this.blockedSinceMs ?? nowMs) > maxBlockedMs || nowMs - (this.lagSinceMs ?? nowMs) > maxLagMs;
  }

  private look(bytes: number, nowMs: number): void {
    this.blockedSinceMs ??= nowMs;
    if (this.stalledSinceMs === undefined || bytes < this.leastBytes) this.stalledSinceMs = nowMs;
    this.leastBytes = bytes;
  }
}
