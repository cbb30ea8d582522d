import { PayloadError, type PayloadFormat } from './payload-format';
import { PayloadReader } from './payload-reader';
import type { StreamRecord } from './stream-record';

const headerBytes = 5;

/** The id of a record's schema; undefined where it is not framed as a schema registry's serializers do. */
export function schemaIdOf({ value }: Pick<StreamRecord, 'value'>): number | undefined {
  if (value === null || value.length < headerBytes || value[0] !== 0) return undefined;
  return value.readUInt32BE(1);
}

/** Avro behind a zero and the id of its schema, which is with the record by now. */
export const avroFormat: PayloadFormat = (record) => {
  const { value: bytes, readAvro } = record;
  if (bytes === null) throw new PayloadError('no value');
  if (schemaIdOf(record) === undefined)
    throw new PayloadError('Avro: not framed as a schema registry’s serializer does');
  if (readAvro === undefined) throw new PayloadError('Avro: its schema was not asked for', 'unknown-schema');
  const reader = new PayloadReader(bytes, headerBytes);
  const value = readAvro(reader);
  if (!reader.ended) throw new PayloadError('Avro: bytes follow the value');
  return { value, text: undefined };
};
