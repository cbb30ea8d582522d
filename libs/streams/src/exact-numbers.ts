import { numberOf, type JsonValue } from '@tidegate/contracts';

/** Longer decimals are said with an exponent. */
const maxPointShift = 400;

/** Numbers of binary formats as JSON has them, every digit kept. */

export function integer(value: number | bigint): JsonValue {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : numberOf(value.toString());
}

/** NaN and infinities are null: JSON has no word for them. */
export function double(value: number): JsonValue {
  if (!Number.isFinite(value)) return null;
  return Object.is(value, -0) ? numberOf('-0') : value;
}

/** A number of 32 bits with the fewest digits that say it: 0.1, not 0.10000000149011612. */
export function float(value: number): JsonValue {
  if (Number.isInteger(value) || !Number.isFinite(value)) return double(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** `mantissa · 10^exponent`, with as many decimals as the exponent says. */
export function decimal(mantissa: bigint, exponent: number | bigint): JsonValue {
  if (exponent === 0 || exponent === 0n) return integer(mantissa);
  if (exponent > 0 || exponent < -maxPointShift) return numberOf(`${mantissa}e${exponent}`);
  const decimals = -Number(exponent);
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString().padStart(decimals + 1, '0');
  const sign = mantissa < 0n ? '-' : '';
  return numberOf(`${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`);
}
