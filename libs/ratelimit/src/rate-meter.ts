import type { RateLimit } from '@tidegate/catalog';
import type { Standing } from './admission';
import { maxAheadUs, type Meter } from './meter';

/** GCRA: one number says when the caller will have used up nothing. */
export class RateMeter implements Meter<RateLimit> {
  private theoreticalUs = 0;

  earliestUs(limit: RateLimit, nowUs: number): number {
    return Math.max(nowUs, this.debtFrom(limit, nowUs) - toleranceUs(limit));
  }

  waiting(limit: RateLimit, nowUs: number): number {
    return Math.ceil((this.earliestUs(limit, nowUs) - nowUs) / limit.intervalUs) - 1;
  }

  take(limit: RateLimit, startUs: number, nowUs: number): void {
    this.theoreticalUs = Math.max(this.debtFrom(limit, nowUs), startUs) + limit.intervalUs;
  }

  giveBack(limit: RateLimit): void {
    this.theoreticalUs -= limit.intervalUs;
  }

  standing(limit: RateLimit, nowUs: number): Standing {
    const spareUs = toleranceUs(limit) - (this.debtFrom(limit, nowUs) - nowUs);
    const remaining = Math.max(0, Math.floor(spareUs / limit.intervalUs) + 1);
    const moreInUs = remaining >= limit.burst ? 0 : remaining * limit.intervalUs - spareUs;
    return { remaining, moreInUs };
  }

  isForgotten(nowUs: number): boolean {
    return this.theoreticalUs <= nowUs;
  }

  private debtFrom(limit: RateLimit, nowUs: number): number {
    // A clock that was set back must not lock callers out for as long as the step was.
    this.theoreticalUs = Math.min(this.theoreticalUs, nowUs + toleranceUs(limit) + limit.intervalUs + maxAheadUs);
    return Math.max(this.theoreticalUs, nowUs);
  }
}

function toleranceUs({ burst, intervalUs }: RateLimit): number {
  return (burst - 1) * intervalUs;
}
