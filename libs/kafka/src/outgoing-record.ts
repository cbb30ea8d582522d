import { AppError, type FieldProblem } from '@tidegate/errors';
import type { ProducerRecord, RecordHeaders } from './producer';
import { encodeHeaders } from './record-batch-encoder';

/** A record that was checked, in bytes. */
export interface OutgoingRecord {
  topic: string;
  partition: number | undefined;
  key: Buffer | null;
  value: Buffer | null;
  /** As they stand in a batch; undefined when there are none. */
  headers: Buffer | undefined;
  /** Upper bound of what the record takes in a batch. */
  bytes: number;
}

/** Lengths, attributes, timestamp and offset of a record, each at its longest. */
const recordOverheadBytes = 36;
const legalTopic = /^[a-zA-Z0-9._-]{1,249}$/;
const loneSurrogate = /\p{Surrogate}/u;

/** Checked before it is queued, so that a bad record fails alone. @throws AppError invalid_argument, too_large */
export function outgoingRecord(record: ProducerRecord, maxBytes: number): OutgoingRecord {
  const problems: FieldProblem[] = [];
  const { topic, partition } = record;
  if (topic !== lastTopic) checkTopic(topic, problems);
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0)) {
    problems.push({ pointer: '/partition', detail: 'must be an integer from 0' });
  }
  const key = bytesOf(record.key, '/key', problems);
  const value = bytesOf(record.value, '/value', problems);
  const headers = record.headers && headersOf(record.headers, problems);
  if (problems.length > 0) {
    throw new AppError('invalid_argument', `The record cannot be sent: ${problems.map(sentence).join('; ')}.`, {
      details: problems,
    });
  }
  const bytes = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0) + (headers?.length ?? 0);
  if (bytes > maxBytes) {
    throw new AppError('too_large', `The record takes ${bytes} bytes; at most ${maxBytes} are allowed.`);
  }
  return { topic, partition, key, value, headers, bytes };
}

/** Checked a moment ago: most records go where the one before them went. */
let lastTopic: string | undefined;

function checkTopic(topic: string, problems: FieldProblem[]): void {
  if (legalTopic.test(topic)) lastTopic = topic;
  else problems.push({ pointer: '/topic', detail: 'is not a legal topic name' });
}

function headersOf(headers: RecordHeaders, problems: FieldProblem[]): Buffer | undefined {
  const pairs = Array.isArray(headers) ? (headers as readonly unknown[]) : Object.entries(headers);
  const encoded = pairs.map((pair): readonly [Buffer, Buffer | null] => {
    const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const pointer = `/headers/${typeof name === 'string' ? name : ''}`;
    if (typeof name !== 'string') problems.push({ pointer, detail: 'has a name that is not text' });
    return [bytesOf(name, pointer, problems) ?? noBytes, bytesOf(value, pointer, problems)];
  });
  return encoded.length === 0 ? undefined : encodeHeaders(encoded);
}

const noBytes = Buffer.alloc(0);

/** Text with half a surrogate pair has no UTF-8: two different keys would become the same one. */
function bytesOf(value: unknown, pointer: string, problems: FieldProblem[]): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (typeof value !== 'string') {
    problems.push({ pointer, detail: 'must be text, bytes or null' });
    return null;
  }
  const bytes = Buffer.from(value, 'utf8');
  // As many bytes as characters are plain ASCII, which needs no second look.
  if (bytes.length !== value.length && loneSurrogate.test(value)) {
    problems.push({ pointer, detail: 'is not well-formed text; send it as bytes' });
  }
  return bytes;
}

function sentence({ pointer, detail }: FieldProblem): string {
  return `${pointer.slice(1)} ${detail}`;
}
