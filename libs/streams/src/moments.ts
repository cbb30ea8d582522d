/** 0001-01-01 and 10000-01-01. */
const [firstSecond, endSecond] = [-62_135_596_800, 253_402_300_800];

/**
 * A time as RFC 3339 has it, in UTC, with milliseconds or as many of three, six or nine decimals as it takes; undefined where
 * that has no word for it.
 */
export function moment(seconds: number, nanos: number): string | undefined {
  if (seconds < firstSecond || seconds >= endSecond || nanos < 0 || nanos >= 1e9) return undefined;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const decimals = String(nanos).padStart(9, '0');
  return `${whole}.${decimals.replace(/(000){1,2}$/, '')}Z`;
}
