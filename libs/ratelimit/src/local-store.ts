import type { Limit } from '@tidegate/catalog';
import type { Charge, LimitStore, Verdict } from './admission';
import type { Meter } from './meter';
import { RateMeter } from './rate-meter';
import { WindowMeter } from './window-meter';

export interface LocalStoreOptions {
  /** The part of each limit that this process may give: 1 divided by this. */
  shares?: () => number;
  nowUs?: () => number;
  /** More callers than this make the one that came first be forgotten. */
  maxMeters?: number;
}

const sweepEveryUs = 10_000_000;

/** Counts in this process, on its monotonic clock. */
export class LocalStore implements LimitStore {
  private readonly meters = new Map<string, Meter>();
  private sweptUs = 0;
  private readonly shares: () => number;
  private readonly nowUs: () => number;
  private readonly maxMeters: number;

  constructor({ shares = () => 1, nowUs = monotonicUs, maxMeters = 100_000 }: LocalStoreOptions = {}) {
    this.shares = shares;
    this.nowUs = nowUs;
    this.maxMeters = maxMeters;
  }

  get size(): number {
    return this.meters.size;
  }

  charge(charges: readonly Charge[]): Verdict {
    const nowUs = this.nowUs();
    const shares = this.shares();
    const counted = charges.map(({ limit, key }) => ({ limit: shareOf(limit, shares), meter: this.meter(limit, key) }));
    const earliest = counted.map(({ limit, meter }) => meter.earliestUs(limit, nowUs));
    const startUs = Math.max(nowUs, ...earliest);
    const waitUs = startUs - nowUs;
    const admitted = counted.every(({ limit, meter }, index) => {
      if ((earliest[index] ?? 0) <= nowUs) return true;
      const { queue } = limit;
      return queue !== undefined && waitUs <= queue.maxWaitMs * 1_000 && meter.waiting(limit, nowUs) < queue.maxWaiting;
    });
    if (admitted) for (const { limit, meter } of counted) meter.take(limit, startUs, nowUs);
    this.sweep(nowUs);
    const standings = counted.map(({ limit, meter }) => meter.standing(limit, nowUs));
    if (!admitted || waitUs === 0) return { admitted, waitUs, standings };
    const giveBack = () => counted.forEach(({ limit, meter }) => meter.giveBack(limit, startUs));
    return { admitted, waitUs, standings, giveBack };
  }

  private meter(limit: Limit, key: string): Meter {
    const name = nameOf(limit, key);
    const known = this.meters.get(name);
    if (known !== undefined) return known;
    const made = limit.kind === 'rate' ? new RateMeter() : new WindowMeter();
    this.meters.set(name, made);
    return made;
  }

  private sweep(nowUs: number): void {
    if (this.meters.size <= this.maxMeters && nowUs - this.sweptUs < sweepEveryUs) return;
    this.sweptUs = nowUs;
    for (const [name, meter] of this.meters) if (meter.isForgotten(nowUs)) this.meters.delete(name);
    // A quarter at once: otherwise each newcomer beyond the limit would cost a sweep.
    let surplus = this.meters.size > this.maxMeters ? this.meters.size - Math.floor(this.maxMeters * 0.75) : 0;
    for (const name of this.meters.keys()) {
      if (surplus <= 0) return;
      this.meters.delete(name);
      surplus -= 1;
    }
  }
}

/** A limit divided among replicas; each may give at least one. */
export function shareOf(limit: Limit, shares: number): Limit {
  if (shares <= 1) return limit;
  const part = (whole: number) => Math.max(1, Math.floor(whole / shares));
  const queue = limit.queue && { queue: { ...limit.queue, maxWaiting: part(limit.queue.maxWaiting) } };
  if (limit.kind === 'window') return { ...limit, ...queue, max: part(limit.max) };
  return { ...limit, ...queue, intervalUs: Math.ceil(limit.intervalUs * shares), burst: part(limit.burst) };
}

function nameOf({ kind, name }: Limit, key: string): string {
  return `${kind}:${name}:${key}`;
}

function monotonicUs(): number {
  return Math.floor(performance.now() * 1_000);
}
