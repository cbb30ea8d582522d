/** Rows that were looked at: those that went out, and those that were held back. */
export interface RowCounts {
  given: number;
  heldBack: number;
}

/**
 * What one session was given and was not. While it is live, it shares the counts of everybody with its view, so that a run of
 * records costs the same however many follow it.
 */
export class RowTally {
  private own: RowCounts = { given: 0, heldBack: 0 };
  private shared: { counts: Readonly<RowCounts>; from: RowCounts } | undefined;

  add(given: number, heldBack: number): void {
    this.own.given += given;
    this.own.heldBack += heldBack;
  }

  share(counts: Readonly<RowCounts>): void {
    this.shared = { counts, from: { ...counts } };
  }

  unshare(): void {
    this.own = this.counts;
    this.shared = undefined;
  }

  get counts(): RowCounts {
    const { own, shared } = this;
    if (shared === undefined) return { ...own };
    const { counts, from } = shared;
    return {
      given: own.given + counts.given - from.given,
      heldBack: own.heldBack + counts.heldBack - from.heldBack,
    };
  }
}
