import type { Stream } from '@tidegate/catalog';
import { contractSchemas, stringifyJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { isObject, PayloadError, type BadRecordKind, type PayloadFormat } from './payload-format';
import type { DecodedRow, PayloadBytes } from './stream-record';

/** What outer fields may add to a record when they are written out with each of its rows. */
const maxJoinedBytes = 4 * 1024 * 1024;

/** Why a record, or a row of it, cannot be shown; without any payload. */
export interface RecordProblem {
  kind: BadRecordKind;
  reason: string;
}

export interface RecordRows {
  rows: DecodedRow[];
  problems: RecordProblem[];
}

/**
 * The rows that a record holds: itself, or those of the list that the stream names (`rows`), each with the other fields of
 * the record. A row that breaks the contract is left out, and the others stay.
 */
export function recordRows(
  record: PayloadBytes,
  stream: Pick<Stream, 'schema' | 'rows'>,
  payloadOf: PayloadFormat,
): RecordRows {
  const payload = payloadIn(record, payloadOf);
  if ('problems' in payload) return payload;
  const { value, text } = payload;
  if (!isObject(value)) return bad('undecodable', 'not an object');
  if (stream.rows !== undefined) return joinedRows(value, stream.rows, stream.schema);
  const problem = problemOf(value, stream.schema);
  return problem === undefined ? { rows: [{ row: value, text }], problems: [] } : bad('contract', problem);
}

function payloadIn(record: PayloadBytes, payloadOf: PayloadFormat): ReturnType<PayloadFormat> | RecordRows {
  try {
    return payloadOf(record);
  } catch (error) {
    if (error instanceof PayloadError) return bad(error.kind, error.message);
    // One record with a mistake of ours must not end the stream again and again.
    return bad('undecodable', `cannot be decoded (${error instanceof Error ? error.name : 'unknown'})`);
  }
}

function bad(kind: BadRecordKind, reason: string): RecordRows {
  return { rows: [], problems: [{ kind, reason }] };
}

function joinedRows(record: JsonObject, name: string, schema: Stream['schema']): RecordRows {
  const { [name]: items, ...outer } = record;
  if (!Array.isArray(items)) return bad('contract', `${name}: not a list`);
  if (stringifyJson(outer).length * items.length > maxJoinedBytes) {
    return bad('contract', `${name}: too many for what each of them is joined with`);
  }
  const found: RecordRows = { rows: [], problems: [] };
  items.forEach((item, index) => {
    const row = joined(outer, item);
    const problem = typeof row === 'string' ? row : problemOf(row, schema);
    if (typeof row === 'object' && problem === undefined) found.rows.push({ row, text: undefined });
    else found.problems.push({ kind: 'contract', reason: `${name}.${index}: ${problem}` });
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
