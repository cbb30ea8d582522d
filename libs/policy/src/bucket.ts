import { parseJson, type JsonValue } from '@tidegate/contracts';

/** Beyond it a double is no exact number any more, and a bound computed from one could be of the neighbour. */
const maxExact = Number.MAX_SAFE_INTEGER;

/**
 * The lower bound of the range of this width that a number is in (0 is a bound); undefined for what is too large to
 * say. It has no decimals that the width does not have.
 */
export function bucketOf(source: number | string, width: number): JsonValue | undefined {
  const value = Number(source);
  const { scale, scaledWidth } = rangesOf(width);
  // Also false for infinities.
  if (Math.abs(value) * scale <= maxExact) {
    // Adding 0 makes 0 of -0.
    return (indexOf(value, scaledWidth, scale) * scaledWidth) / scale + 0;
  }
  // A 64-bit integer; longer ones would take time quadratic in their length.
  const integer = typeof source === 'string' && /^-?\d{1,20}$/.test(source);
  return integer && scale === 1 ? parseJson(String(floored(BigInt(source), BigInt(width)))) : undefined;
}

interface Ranges {
  /** 10 to the number of the width's decimals, six at most. */
  scale: number;
  /** A whole number. */
  scaledWidth: number;
}

/** By the widths of catalogs, which are few. */
const known = new Map<number, Ranges>();

function rangesOf(width: number): Ranges {
  const ranges = known.get(width);
  if (ranges !== undefined) return ranges;
  let scale = 1;
  while (scale < 1e6 && !Number.isInteger(Number((width * scale).toPrecision(12)))) scale *= 10;
  const made = { scale, scaledWidth: Math.round(width * scale) };
  known.set(width, made);
  return made;
}

/** How many ranges from 0. A quotient of doubles may be off by one step at a bound; the bounds themselves say. */
function indexOf(value: number, scaledWidth: number, scale: number): number {
  const index = Math.floor((value * scale) / scaledWidth);
  if (((index + 1) * scaledWidth) / scale <= value) return index + 1;
  return (index * scaledWidth) / scale > value ? index - 1 : index;
}

function floored(value: bigint, width: bigint): bigint {
  const rest = value % width;
  return value - (rest < 0n ? rest + width : rest);
}
