import type { Mask } from '@tidegate/catalog';
import type { JsonValue } from '@tidegate/contracts';

/** Stands for text that is not shown, whatever its length. */
const stars = '***';

/**
 * A value behind a mask. Redacted text is `***` and anything else redacted is null, by what the contract says and not by
 * the value, so that a mask does not tell one value from another. Text too short to hide a part of is redacted.
 */
export function masked(mask: Mask, text: boolean, value: JsonValue): JsonValue {
  if (!text) return null;
  if (mask === 'redact' || typeof value !== 'string') return stars;
  return 'keepFirst' in mask ? keepFirst(value, mask.keepFirst) : keepLast(value, mask.keepLast);
}

/** The mask that shows more. Of a beginning and an end of the same length the end is shown. */
export function milder(a: Mask, b: Mask): Mask {
  return rank(a) >= rank(b) ? a : b;
}

function rank(mask: Mask): number {
  if (mask === 'redact') return 0;
  return 'keepFirst' in mask ? mask.keepFirst : mask.keepLast + 0.5;
}

function keepFirst(text: string, count: number): string {
  if (text.length <= count) return stars;
  const end = isHighSurrogate(text.charCodeAt(count - 1)) ? count - 1 : count;
  return text.slice(0, end) + stars;
}

function keepLast(text: string, count: number): string {
  if (text.length <= count) return stars;
  const start = text.length - count;
  return stars + text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start);
}

/** Half a character would be no text. */
function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
