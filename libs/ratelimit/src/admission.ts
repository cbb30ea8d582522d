import type { Limit } from '@tidegate/catalog';

/** One of the limits that a request counts against, and whose count it is. */
export interface Charge {
  readonly limit: Limit;
  readonly key: string;
}

/** How a limit stands after a decision. */
export interface Standing {
  readonly remaining: number;
  /** Until `remaining` grows. */
  readonly moreInUs: number;
}

/** What a store decided about all charges of a request together. */
export interface Verdict {
  readonly admitted: boolean;
  /** Admitted: from now to its turn. Refused: until the same request would be admitted at once, if nobody else comes. */
  readonly waitUs: number;
  /** In the order of the charges. */
  readonly standings: readonly Standing[];
  /** Undoes the charges of one whose turn is still to come. */
  readonly giveBack?: () => void | Promise<void>;
}

/** Where requests are counted. Every charge of a call is made, or none. */
export interface LimitStore {
  charge(charges: readonly Charge[]): Verdict | Promise<Verdict>;
  close?(): Promise<void>;
}

export interface LimitState {
  readonly name: string;
  readonly remaining: number;
  /** Until `remaining` grows. */
  readonly resetMs: number;
}

/** What became of a request. */
export interface Admission {
  readonly admitted: boolean;
  readonly limits: readonly LimitState[];
  /** 0 for an admitted request; a refused one that comes after this long is admitted, if nobody else comes. */
  readonly retryAfterMs: number;
}
