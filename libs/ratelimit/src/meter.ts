import type { Limit } from '@tidegate/catalog';
import type { Standing } from './admission';

/** The count of one caller against one limit, in this process. All times are microseconds of one clock. */
export interface Meter<L extends Limit = Limit> {
  /** When one more is admitted: `nowUs`, or later. */
  earliestUs(limit: L, nowUs: number): number;
  /** How many have a turn that is still to come. */
  waiting(limit: L, nowUs: number): number;
  take(limit: L, startUs: number, nowUs: number): void;
  giveBack(limit: L, startUs: number): void;
  standing(limit: L, nowUs: number): Standing;
  /** Whether a new meter would decide the same. */
  isForgotten(nowUs: number): boolean;
}

/** The longest queue of a limits file, and a little: no turn is given further ahead. */
export const maxAheadUs = 31_000_000;
