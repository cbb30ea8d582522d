import type { Limit, LimitsByName } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import type { Admission, LimitStore, Verdict } from './admission';
import { keyOf, type CountedCaller } from './counted-caller';
import type { LimitMetrics } from './metrics';
import { waitForTurn } from './turn';

export interface AdmitOptions {
  /** Whoever waits leaves when it aborts, and `admit` rejects with its reason. */
  signal?: AbortSignal;
}

export interface RateLimiterDeps {
  store: LimitStore;
  metrics: LimitMetrics;
  /** How many may wait in this process at once, whatever their limits say. */
  maxWaiting?: number;
}

// Each one that waits holds a request and its connection.
const defaultMaxWaiting = 1_000;

/** Decides how often callers may ask, by the limits of a `limits.yaml`. */
export class RateLimiter {
  readonly store: LimitStore;
  private waiting = 0;

  constructor(
    private current: LimitsByName,
    private readonly deps: RateLimiterDeps,
  ) {
    this.store = deps.store;
  }

  get limits(): LimitsByName {
    return this.current;
  }

  /** From now on counts against these; what was counted under their names stays counted. */
  change(limits: LimitsByName): void {
    this.current = limits;
  }

  /** Counts a caller against limits by name, each by what it is `per`. */
  admitCaller(names: readonly string[], caller: CountedCaller, options: AdmitOptions = {}): Promise<Admission> {
    const charges = names.map((name) => ({ limit: name, key: keyOf(this.limitOf(name).per, caller) }));
    return this.admit(charges, options);
  }

  /**
   * Counts a request against all of its limits, or against none when one of them refuses it. Waits for its turn where the
   * limits have a queue.
   *
   * @throws AppError `unavailable` when Redis is down and a limit may not be counted without it; the reason of `signal`
   */
  async admit(requested: readonly { limit: string; key: string }[], { signal }: AdmitOptions = {}): Promise<Admission> {
    signal?.throwIfAborted();
    const charges = requested.map(({ limit, key }) => ({ limit: this.limitOf(limit), key }));
    const verdict = await this.store.charge(charges);
    const admitted = verdict.admitted && (verdict.waitUs === 0 || (await this.wait(verdict, signal)));
    const outcome = !admitted ? 'refused' : verdict.waitUs > 0 ? 'waited' : 'admitted';
    for (const { limit } of charges) this.deps.metrics.requests.inc({ limit: limit.name, outcome });
    return {
      admitted,
      retryAfterMs: admitted ? 0 : Math.max(1, Math.ceil(verdict.waitUs / 1_000)),
      limits: verdict.standings.map(({ remaining, moreInUs }, index) => ({
        name: requested[index]?.limit ?? '',
        remaining,
        resetMs: Math.ceil(moreInUs / 1_000),
      })),
    };
  }

  /** Signs this replica off, so that the others share the limits without it. */
  async close(): Promise<void> {
    await this.store.close?.();
  }

  /** False when too many wait already. */
  private async wait(verdict: Verdict, signal?: AbortSignal): Promise<boolean> {
    const { metrics, maxWaiting = defaultMaxWaiting } = this.deps;
    if (this.waiting >= maxWaiting) {
      this.giveBack(verdict);
      return false;
    }
    metrics.waiting.set((this.waiting += 1));
    try {
      await waitForTurn(Math.ceil(verdict.waitUs / 1_000), signal);
      return true;
    } catch (error) {
      this.giveBack(verdict);
      throw error;
    } finally {
      metrics.waiting.set((this.waiting -= 1));
    }
  }

  /** Nobody waits for it: where it fails, the turn goes unused. */
  private giveBack({ giveBack }: Verdict): void {
    void Promise.resolve(giveBack?.()).catch(() => undefined);
  }

  private limitOf(name: string): Limit {
    const limit = this.limits.get(name);
    if (limit !== undefined) return limit;
    throw new AppError('internal', 'Something went wrong on our side.', { cause: `no limit is named ${name}` });
  }
}
