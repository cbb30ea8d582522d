import { isRawNumber, type JsonValue } from '@tidegate/contracts';

export type Kind = 'string' | 'number' | 'boolean' | 'null' | 'list' | 'map' | 'other';

/** What a value is to a comparison; `other` is what JSON does not have (a timestamp, a type). */
export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value as Kind;
    case 'bigint':
      return 'number';
    default:
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'list';
      return isMap(value) ? 'map' : 'other';
  }
}

export function isMap(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || value instanceof Map;
}

/**
 * A JSON value as the library must get it, the same one where nothing differs: raw numbers as numbers, and objects with
 * a key `constructor` as maps, since the library looks at that to tell the type.
 */
export function celValue(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return isClean(value) ? value : convert(value);
}

/** Whether the value can be given as it is: nearly always, so that looking comes first and allocates nothing. */
function isClean(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isClean);
  if (isRawNumber(value)) return false;
  for (const key in value) if (key === 'constructor' || !isClean(value[key] as JsonValue)) return false;
  return true;
}

function convert(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(convert);
  if (isRawNumber(value)) return numberOf(value.rawJSON);
  return new Map(Object.entries(value).map(([key, item]) => [key, convert(item)]));
}

/** An integer beyond 2^53 keeps its value as a bigint, which CEL takes for its int. */
function numberOf(source: string): number | bigint {
  const double = Number(source);
  // Longer ones are no 64-bit integers, and parsing them takes time quadratic in their length.
  const long = source.length <= 20 && /^-?\d+$/.test(source) && !Number.isSafeInteger(double);
  return long ? BigInt(source) : double;
}
