import { AppError, type FieldProblem } from '@tidegate/errors';
import type { ProduceMessage } from './kafkajs-internals';
import type { ProducerRecord } from './producer';

export interface OutgoingRecord {
  message: ProduceMessage;
  /** Upper bound of what the record takes in a batch. */
  bytes: number;
}

/** Lengths, attributes, timestamp and offset of a record, each at its longest. */
const recordOverheadBytes = 36;
const headerOverheadBytes = 10;
const legalTopic = /^[a-zA-Z0-9._-]{1,249}$/;
const loneSurrogate = /\p{Surrogate}/u;

/** Checked before it is queued, so that a bad record fails alone. @throws AppError invalid_argument, too_large */
export function outgoingRecord(record: ProducerRecord, maxBytes: number): OutgoingRecord {
  const problems: FieldProblem[] = [];
  if (!legalTopic.test(record.topic)) problems.push({ pointer: '/topic', detail: 'is not a legal topic name' });
  if (record.partition !== undefined && !(Number.isInteger(record.partition) && record.partition >= 0)) {
    problems.push({ pointer: '/partition', detail: 'must be an integer from 0' });
  }
  const key = bytesOf(record.key, '/key', problems);
  const value = bytesOf(record.value, '/value', problems);
  const headers = headersOf(record.headers ?? {}, problems);
  if (problems.length > 0) {
    throw new AppError('invalid_argument', `The record cannot be sent: ${problems.map(sentence).join('; ')}.`, {
      details: problems,
    });
  }
  const bytes = sizeOf(key, value, headers);
  if (bytes > maxBytes) {
    throw new AppError('too_large', `The record takes ${bytes} bytes; at most ${maxBytes} are allowed.`);
  }
  return { message: { key, value, headers }, bytes };
}

function headersOf(headers: Record<string, string | Buffer>, problems: FieldProblem[]): Record<string, Buffer> {
  const entries = Object.entries(headers).map(([name, value]) => {
    const pointer = `/headers/${name}`;
    if (loneSurrogate.test(name)) problems.push({ pointer, detail: 'has a name that is not well-formed text' });
    const bytes = bytesOf(value, pointer, problems);
    if (bytes === null) problems.push({ pointer, detail: 'must not be null' });
    return [name, bytes ?? Buffer.alloc(0)] as const;
  });
  // By entries, so that a header of the name __proto__ stays a header.
  return Object.fromEntries(entries);
}

/** Text with half a surrogate pair has no UTF-8: two different keys would become the same one. */
function bytesOf(value: string | Buffer | null, pointer: string, problems: FieldProblem[]): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (typeof value !== 'string') {
    problems.push({ pointer, detail: 'must be text, bytes or null' });
    return null;
  }
  if (loneSurrogate.test(value)) problems.push({ pointer, detail: 'is not well-formed text; send it as bytes' });
  return Buffer.from(value, 'utf8');
}

function sizeOf(key: Buffer | null, value: Buffer | null, headers: Record<string, Buffer>): number {
  const headerBytes = Object.entries(headers).reduce(
    (sum, [name, bytes]) => sum + Buffer.byteLength(name) + bytes.length + headerOverheadBytes,
    0,
  );
  return recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
}

function sentence({ pointer, detail }: FieldProblem): string {
  return `${pointer.slice(1)} ${detail}`;
}
