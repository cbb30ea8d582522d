import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import type { Charge, LimitStore, Verdict } from './admission';
import { LocalStore } from './local-store';
import type { LimitMetrics } from './metrics';
import type { RedisStore } from './redis-store';

export interface FailoverStoreDeps {
  redis: Pick<RedisStore, 'charge' | 'heartbeat' | 'signOff'>;
  /** How many replicas share the limits, as long as Redis never told. */
  replicas: number;
  metrics: LimitMetrics;
  logger: Logger;
}

/** After so many failures one after the other, requests do not wait for Redis any more. */
const maxFailures = 3;
const heartbeatMs = 5_000;
const probeMs = 250;

/**
 * Counts in Redis; while Redis is down, each replica gives its share of the limits itself. Only a heartbeat in the
 * background finds out whether Redis is back, so that no request pays for it.
 */
export class FailoverStore implements LimitStore {
  private readonly local: LocalStore;
  private readonly replica = randomUUID();
  private replicas: number;
  private failures = 0;
  private failedAtMs = -1;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly deps: FailoverStoreDeps) {
    this.replicas = deps.replicas;
    this.local = new LocalStore({ shares: () => this.replicas });
    void this.beat();
  }

  get isDown(): boolean {
    return this.failures >= maxFailures;
  }

  async charge(charges: readonly Charge[]): Promise<Verdict> {
    if (this.isDown) return this.chargeHere(charges);
    const sentAtMs = performance.now();
    try {
      const verdict = await this.deps.redis.charge(charges);
      if (!this.isDown) this.failures = 0;
      return verdict;
    } catch (error) {
      this.deps.metrics.redisFailures.inc();
      this.failed(error, sentAtMs);
      return this.chargeHere(charges);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    if (!this.isDown) await this.deps.redis.signOff(this.replica).catch(() => undefined);
  }

  private chargeHere(charges: readonly Charge[]): Verdict {
    if (charges.some(({ limit }) => limit.withoutRedis === 'refuse')) {
      throw new AppError('unavailable', 'Requests cannot be counted at the moment.', { retryAfterMs: 1_000 });
    }
    return this.local.charge(charges);
  }

  /** What was under way together fails together, and is one failure: a moment of a busy machine is no outage. */
  private failed(error: unknown, sentAtMs: number): void {
    if (sentAtMs < this.failedAtMs) return;
    this.failedAtMs = performance.now();
    const wasDown = this.isDown;
    this.failures += 1;
    if (wasDown || !this.isDown || this.closed) return;
    this.deps.metrics.withoutRedis.set(1);
    this.deps.logger.warn({ err: error, replicas: this.replicas }, 'limits are counted without Redis');
    this.schedule(probeMs);
  }

  private async beat(): Promise<void> {
    const sentAtMs = performance.now();
    try {
      this.replicas = await this.deps.redis.heartbeat(this.replica);
      if (this.isDown) this.deps.logger.info('limits are counted in Redis again');
      this.deps.metrics.withoutRedis.set(0);
      this.failures = 0;
    } catch (error) {
      this.failed(error, sentAtMs);
    }
    if (!this.closed) this.schedule(this.failures === 0 ? heartbeatMs : probeMs);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.beat(), ms).unref();
  }
}
