/** Whole cents: sums of them are exact. */
export function toCents(amount: number): number {
  return Math.round(amount * 100);
}

export function fromCents(cents: number): number {
  // "+ 0" makes -0 a plain zero.
  return cents / 100 + 0;
}
