import type { Mask } from '@tidegate/catalog';
import { isRawNumber, type JsonValue } from '@tidegate/contracts';
import { bucketOf } from './bucket';

/** What stands for a text under the name of a hash, in rows of one tenant. */
export type Hasher = (name: string, text: string) => string;

/** Stands for text that is not shown, whatever its length. */
const stars = '***';

/**
 * A value behind the masks of those grants that show it, the most generous first: the first that fits the value is used.
 * Where none does, redacted text is `***` and anything else redacted is null, by what the contract says and not by the
 * value, so that a mask does not tell one value from another. Text too short to hide a part of is redacted.
 */
export function masked(masks: readonly Mask[], text: boolean, value: JsonValue, hasher?: Hasher): JsonValue {
  for (const mask of masks) {
    const shown = text ? shownText(mask, value, hasher) : shownNumber(mask, value);
    if (shown !== undefined) return shown;
  }
  return text ? stars : null;
}

/** The masks of two lists, each once, the most generous first. */
export function mostGenerousFirst(a: readonly Mask[], b: readonly Mask[]): readonly Mask[] {
  const masks = new Map([...a, ...b].map((mask) => [JSON.stringify(mask), mask]));
  masks.delete('"redact"');
  if (masks.size === 0) return ['redact'];
  const ordered = [...masks].sort(([x, one], [y, other]) => generosity(other) - generosity(one) || (x < y ? -1 : 1));
  return ordered.map(([, mask]) => mask);
}

/** In characters that are shown, about: a hash shows none, and 1 is below any part. The parts of equal length have an order too. */
function generosity(mask: Mask): number {
  if (mask === 'redact') return 0;
  if ('hash' in mask) return 0.5;
  if ('keepFirst' in mask) return mask.keepFirst;
  if ('keepLast' in mask) return mask.keepLast + 0.5;
  // Numbers meet numbers only: the narrower range tells more.
  return typeof mask.generalise === 'number' ? 1 / mask.generalise : charactersOf[mask.generalise] + 0.25;
}

function shownText(mask: Mask, value: JsonValue, hasher: Hasher | undefined): JsonValue | undefined {
  if (mask === 'redact' || typeof value !== 'string') return undefined;
  if ('keepFirst' in mask) return keepFirst(value, mask.keepFirst);
  if ('keepLast' in mask) return keepLast(value, mask.keepLast);
  if ('hash' in mask) return hasher?.(mask.hash, value);
  return typeof mask.generalise === 'number' ? undefined : unitOf(value, mask.generalise);
}

function shownNumber(mask: Mask, value: JsonValue): JsonValue | undefined {
  if (mask === 'redact' || !('generalise' in mask) || typeof mask.generalise !== 'number') return undefined;
  if (isRawNumber(value)) return bucketOf(value.rawJSON, mask.generalise);
  return typeof value === 'number' ? bucketOf(value, mask.generalise) : undefined;
}

function keepFirst(text: string, count: number): string | undefined {
  if (text.length <= count) return undefined;
  const end = isHighSurrogate(text.charCodeAt(count - 1)) ? count - 1 : count;
  return text.slice(0, end) + stars;
}

function keepLast(text: string, count: number): string | undefined {
  if (text.length <= count) return undefined;
  const start = text.length - count;
  return stars + text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start);
}

/** Half a character would be no text. */
function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** Of `2026-11-25T10:24:11Z`. */
const charactersOf = { year: 4, month: 7, day: 10, hour: 13 } as const;
const date = /^\d{4}-\d\d-\d\d/;
const rfc3339 = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The beginning of a time in UTC, as ISO 8601 writes a year, a month, a day, and an hour by its first minute. */
function unitOf(text: string, unit: keyof typeof charactersOf): string | undefined {
  if (!rfc3339.test(text)) return undefined;
  const utc = text.length === 10 || text.endsWith('Z') ? text : inUtc(text);
  const part = utc?.slice(0, charactersOf[unit]);
  return part?.length === charactersOf.hour ? `${part}:00Z` : part;
}

function inUtc(text: string): string | undefined {
  const ms = Date.parse(text);
  const utc = Number.isNaN(ms) ? '' : new Date(ms).toISOString();
  return date.test(utc) ? utc : undefined;
}
