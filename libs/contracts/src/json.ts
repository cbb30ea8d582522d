import { AppError } from '@tidegate/errors';
import { hasDelicateNumber } from './number-scan';

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
  try {
    return (hasDelicateNumber(text) ? json.parse(text, keepDigits) : JSON.parse(text)) as JsonValue;
  } catch (cause) {
    if (AppError.is(cause)) throw cause;
    throw new AppError('malformed', 'The text is not valid JSON.', { cause });
  }
}

/** The JSON text of a value, raw numbers with the digits that they came with. */
export function stringifyJson(value: JsonValue | object): string {
  return JSON.stringify(value);
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || JSON.stringify(value) === source) return value;
  return json.rawJSON(source);
}
