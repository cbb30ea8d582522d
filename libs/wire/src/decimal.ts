import { isExact } from './telemetry-rules';

const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** `mantissa · 10^exponent`, rounded once. */
export function decimal(mantissa: number, exponent: number): number {
  if (exponent === 0) return mantissa;
  // Powers up to 10²² are exact, so that one division or multiplication rounds as the decimal itself would.
  if (exponent < 0 && exponent >= -22) return mantissa / (powersOfTen[-exponent] ?? 1);
  if (exponent > 0 && exponent <= 22) return mantissa * (powersOfTen[exponent] ?? 1);
  return Number(`${mantissa}e${exponent}`);
}

/** An integer as cbor-x gives it; undefined when it is beyond ±2⁵³. */
export function exactInteger(integer: number | bigint): number | undefined {
  const number = Number(integer);
  // A bigint just beyond 2⁵³ would round to it.
  return isExact(number) && (typeof integer === 'number' || BigInt(number) === integer) ? number : undefined;
}

/** A decimal fraction of CBOR (tag 4). */
export class Decimal {
  constructor(
    readonly exponent: number | bigint,
    readonly mantissa: number | bigint,
  ) {}

  /** Undefined when exponent or mantissa are beyond ±2⁵³. */
  get value(): number | undefined {
    const [exponent, mantissa] = [exactInteger(this.exponent), exactInteger(this.mantissa)];
    return exponent === undefined || mantissa === undefined ? undefined : decimal(mantissa, exponent);
  }
}
