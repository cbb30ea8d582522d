const largest = 0xffff_ffff;

/** The seq after this one: 0 is passed over. */
export function nextSeq(seq: number): number {
  return seq === largest ? 1 : seq + 1;
}

/** Whether `seq` comes after `other` in serial arithmetic (RFC 1982): by less than half the circle. */
export function isAfter(seq: number, other: number): boolean {
  return ((seq - other) | 0) > 0;
}
