import { AppError } from '@tidegate/errors';

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}

/**
 * The text of a JSON text whose numbers all survive: one that a double would change (`9007199254740993`, `1.10`) becomes
 * a `RawNumber`.
 *
 * @throws AppError `malformed`
 */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new AppError('malformed', 'The text is not valid JSON.', { cause });
  }
}

/** The JSON text of a value, raw numbers with the digits that they came with. */
export function stringifyJson(value: JsonValue | object): string {
  return JSON.stringify(value);
}
