import type { Limit } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import type { Admission, Charge, LimitStore, Verdict } from './admission';
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
  private waiting = 0;

  constructor(
    readonly limits: ReadonlyMap<string, Limit>,
    private readonly deps: RateLimiterDeps,
  ) {}

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
    const verdict = await this.deps.store.charge(charges);
    const admitted = verdict.admitted && (verdict.waitUs === 0 || (await this.wait(charges, verdict, signal)));
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

  /** False when too many wait already. */
  private async wait(charges: readonly Charge[], { waitUs, startUs }: Verdict, signal?: AbortSignal): Promise<boolean> {
    const { store, metrics, maxWaiting = defaultMaxWaiting } = this.deps;
    if (this.waiting >= maxWaiting) {
      await store.giveBack(charges, startUs);
      return false;
    }
    metrics.waiting.set((this.waiting += 1));
    try {
      await waitForTurn(Math.ceil(waitUs / 1_000), signal);
      return true;
    } catch (error) {
      await store.giveBack(charges, startUs);
      throw error;
    } finally {
      metrics.waiting.set((this.waiting -= 1));
    }
  }

  private limitOf(name: string): Limit {
    const limit = this.limits.get(name);
    if (limit !== undefined) return limit;
    throw new AppError('internal', 'Something went wrong on our side.', { cause: `no limit is named ${name}` });
  }
}
