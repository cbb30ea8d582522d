import { AppError } from '@tidegate/errors';
import { PlainKeys } from './json-keys';
import { scanJson, type JsonScan } from './json-scan';

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}

/** A number with the digits that it came with. To the type system it is an object; `isRawNumber` tells it apart. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** ES2026 (JSON source text access); Node 24 has it, TypeScript's libraries not yet. */
interface SourceTextJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

const json = JSON as unknown as SourceTextJson;

/** True for a number that `parseJson` kept as text because a double would change its digits. */
export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value);
}

/**
 * Parses JSON so that `stringifyJson` gives every digit back: a number that a double would change
 * (`9007199254740993`, `1.10`, `1e999`) becomes a `RawNumber`. Of duplicate keys the last one counts; `__proto__` is a
 * key like any other.
 *
 * @throws AppError `malformed` when it is not JSON, or nested deeper than 200 levels
 */
export function parseJson(text: string): JsonValue {
  return parseScanned(text, scanJson(text));
}

/**
 * What `parseJson` gives, and whether the text may stand for it wherever it is sent on: it says nothing else, since no key
 * stands twice in an object or is written with an escape, and is one line.
 *
 * @throws AppError as `parseJson` does
 */
export function parseJsonText(text: string): { value: JsonValue; faithful: boolean } {
  const scan = scanJson(text);
  const value = parseScanned(text, scan);
  const { escapedKeys, lineBreaks, pairs } = scan;
  return { value, faithful: escapedKeys.length === 0 && !lineBreaks && countKeys([value]) === pairs };
}

/** The JSON text of a value, raw numbers with the digits that they came with. */
export function stringifyJson(value: JsonValue | object): string {
  return JSON.stringify(value);
}

/** The number of a JSON text, plain where a double says it with the same digits. */
export function numberOf(digits: string): JsonValue {
  const value = Number(digits);
  return JSON.stringify(value) === digits ? value : (json.rawJSON(digits) as unknown as JsonValue);
}

function parseScanned(text: string, { delicate, escapedKeys }: JsonScan): JsonValue {
  const parse = (plain: string) => (delicate ? json.parse(plain, keepDigits) : JSON.parse(plain)) as JsonValue;
  try {
    if (escapedKeys.length === 0) return parse(text);
    const keys = new PlainKeys(text, escapedKeys);
    return named(parse(keys.text), keys);
  } catch (cause) {
    throw new AppError('malformed', 'The text is not valid JSON.', { cause });
  }
}

/** The value with the keys that it came with. */
function named(value: JsonValue, keys: PlainKeys): JsonValue {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return value;
  if (Array.isArray(value)) return value.map((item) => named(item, keys));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [keys.keyOf(name), named(item, keys)]));
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === 'number' && source !== undefined ? numberOf(source) : value;
}

/** Of all objects in a list or an object. */
function countKeys(value: JsonValue[] | JsonObject): number {
  const parts = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : parts.length;
  for (const part of parts) {
    if (typeof part === 'object' && part !== null && !isRawNumber(part)) count += countKeys(part);
  }
  return count;
}
