import type { WindowLimit } from '@tidegate/catalog';
import type { Standing } from './admission';
import { maxAheadUs, type Meter } from './meter';

const secondUs = 1_000_000;

/**
 * A sliding window of one-second buckets. What stands in a bucket counts until it is older than the window at whatever
 * moment of its second it came, so that no window of any position holds more than `max`.
 */
export class WindowMeter implements Meter<WindowLimit> {
  private readonly buckets = new Map<number, number>();
  private total = 0;
  private oldest = 0;
  private newest = 0;
  private keptUntilUs = 0;

  earliestUs(limit: WindowLimit, nowUs: number): number {
    this.prune(limit, nowUs);
    if (this.total < limit.max) return nowUs;
    let surplus = this.total + 1 - limit.max;
    let second = this.oldest;
    for (; surplus > 0; second += 1) surplus -= this.buckets.get(second) ?? 0;
    return Math.max(nowUs, (second + limit.windowSeconds) * secondUs);
  }

  waiting(_limit: WindowLimit, nowUs: number): number {
    let sum = 0;
    for (let second = secondOf(nowUs) + 1; second <= this.newest; second += 1) sum += this.buckets.get(second) ?? 0;
    return sum;
  }

  take(limit: WindowLimit, startUs: number): void {
    const second = secondOf(startUs);
    this.oldest = this.total === 0 ? second : Math.min(this.oldest, second);
    this.newest = this.total === 0 ? second : Math.max(this.newest, second);
    this.buckets.set(second, (this.buckets.get(second) ?? 0) + 1);
    this.total += 1;
    this.keptUntilUs = (this.newest + limit.windowSeconds + 1) * secondUs;
  }

  giveBack(_limit: WindowLimit, startUs: number): void {
    const second = secondOf(startUs);
    const count = this.buckets.get(second) ?? 0;
    if (count === 0) return;
    this.buckets.set(second, count - 1);
    this.total -= 1;
  }

  standing(limit: WindowLimit, nowUs: number): Standing {
    const remaining = Math.max(0, limit.max - this.total);
    if (this.total === 0) return { remaining, moreInUs: 0 };
    let { oldest } = this;
    while ((this.buckets.get(oldest) ?? 0) === 0) oldest += 1;
    return { remaining, moreInUs: Math.max(0, (oldest + limit.windowSeconds + 1) * secondUs - nowUs) };
  }

  isForgotten(nowUs: number): boolean {
    return this.total === 0 || this.keptUntilUs <= nowUs;
  }

  private prune({ windowSeconds }: WindowLimit, nowUs: number): void {
    const second = secondOf(nowUs);
    const first = second - windowSeconds;
    // All is over; or the clock was set back by more than any turn can be ahead, and counts no more.
    if (this.newest < first || this.newest - second > windowSeconds + maxAheadUs / secondUs) this.clear();
    for (; this.total > 0 && (this.oldest < first || !this.buckets.get(this.oldest)); this.oldest += 1) {
      this.total -= this.buckets.get(this.oldest) ?? 0;
      this.buckets.delete(this.oldest);
    }
    if (this.total === 0) this.clear();
  }

  private clear(): void {
    this.buckets.clear();
    this.total = 0;
  }
}

function secondOf(us: number): number {
  return Math.floor(us / secondUs);
}
