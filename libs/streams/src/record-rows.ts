import type { Stream } from '@tidegate/catalog';
import {
  contractSchemas,
  isRawNumber,
  parseJson,
  stringifyJson,
  type JsonObject,
  type JsonValue,
} from '@tidegate/contracts';
import { isUtf8 } from 'node:buffer';

/** What outer fields may add to a record when they are written out with each of its rows. */
const maxJoinedBytes = 4 * 1024 * 1024;

export interface RecordRows {
  rows: JsonObject[];
  /** Why the record, or some of its rows, cannot be shown; without any payload. */
  problems: string[];
}

/**
 * The rows that a record holds: itself, or those of the list that the stream names (`rows`), each with the other fields of
 * the record. A row that breaks the contract is left out, and the others stay.
 */
export function recordRows(value: Buffer | null, stream: Pick<Stream, 'schema' | 'rows'>): RecordRows {
  const record = parseRecord(value);
  if (typeof record === 'string') return { rows: [], problems: [record] };
  if (stream.rows !== undefined) return joinedRows(record, stream.rows, stream.schema);
  const problem = problemOf(record, stream.schema);
  return problem === undefined ? { rows: [record], problems: [] } : { rows: [], problems: [problem] };
}

function parseRecord(value: Buffer | null): JsonObject | string {
  if (value === null) return 'no value';
  // Decoding would put U+FFFD in place of bad bytes and nobody would know.
  if (!isUtf8(value)) return 'not UTF-8';
  try {
    const record = parseJson(value.toString());
    return isObject(record) ? record : 'not an object';
  } catch {
    return 'not JSON';
  }
}

function joinedRows(record: JsonObject, name: string, schema: Stream['schema']): RecordRows {
  const { [name]: items, ...outer } = record;
  if (!Array.isArray(items)) return { rows: [], problems: [`${name}: not a list`] };
  if (stringifyJson(outer).length * items.length > maxJoinedBytes) {
    return { rows: [], problems: [`${name}: too many for what each of them is joined with`] };
  }
  const found: RecordRows = { rows: [], problems: [] };
  items.forEach((item, index) => {
    const row = joined(outer, item);
    const problem = typeof row === 'string' ? row : problemOf(row, schema);
    if (typeof row === 'object' && problem === undefined) found.rows.push(row);
    else found.problems.push(`${name}.${index}: ${problem}`);
  });
  return found;
}

/** A row must not say anew what the record says of all of them: whose data it is, above all. */
function joined(outer: JsonObject, item: JsonValue): JsonObject | string {
  if (!isObject(item)) return 'not an object';
  for (const field of Object.keys(item)) if (Object.hasOwn(outer, field)) return 'a field stands in the record too';
  return { ...outer, ...item };
}

function problemOf(row: JsonObject, schema: Stream['schema']): string | undefined {
  const problem = contractSchemas[schema].safeParse(row).error?.issues[0];
  return problem && `${problem.path.join('.')}: ${problem.code}`;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}
