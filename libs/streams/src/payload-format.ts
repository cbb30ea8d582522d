import { isRawNumber, parseJsonText, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { isUtf8 } from 'node:buffer';
import type { PayloadBytes } from './stream-record';

/**
 * `undecodable`: the bytes are not of the format; `unknown-schema`: nobody knows the schema that they name; `contract`: what they
 * say breaks the stream's contract.
 */
export type BadRecordKind = 'undecodable' | 'unknown-schema' | 'contract';

/** What a record says. */
interface Payload {
  value: JsonValue;
  /** The same as JSON text of one line, where the record came as such. */
  text: string | undefined;
}

/** Makes of a record's bytes what JSON would have said. @throws PayloadError */
export type PayloadFormat = (record: PayloadBytes) => Payload;

/** Why bytes are not of their format. Its message goes to logs and dead letters, so nothing of the payload stands in it. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';

  constructor(
    message: string,
    readonly kind: BadRecordKind = 'undecodable',
  ) {
    super(message);
  }
}

export const jsonFormat: PayloadFormat = ({ value: bytes }) => {
  if (bytes === null) throw new PayloadError('no value');
  // Decoding would put U+FFFD in place of bad bytes and nobody would know.
  if (!isUtf8(bytes)) throw new PayloadError('not UTF-8');
  const text = bytes.toString();
  try {
    const { value, faithful } = parseJsonText(text);
    return { value, text: faithful ? text : undefined };
  } catch {
    throw new PayloadError('not JSON');
  }
};

export function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}
