import type { ProtobufFormat } from '@tidegate/catalog';
import { PayloadError, type PayloadFormat } from './payload-format';
import { PayloadReader } from './payload-reader';
import { ProtobufMessage } from './protobuf-message';

/** Messages of one type as JSON. */
export function protobufFormat({ message, framing, index }: ProtobufFormat): PayloadFormat {
  const plan = new ProtobufMessage(message);
  return ({ value: bytes }) => {
    if (bytes === null) throw new PayloadError('no value');
    const reader = new PayloadReader(bytes);
    if (framing === 'confluent') readFrame(reader, index);
    return { value: reader.nested(() => plan.read(reader, reader.length)), text: undefined };
  };
}

/**
 * A zero, the id of a schema, and which message of that file it is: the catalog's file says what the fields are, so of the
 * rest only that is looked at.
 */
function readFrame(reader: PayloadReader, index: readonly number[]): void {
  if (reader.byte() !== 0) throw new PayloadError('Protobuf: not framed as a schema registry’s serializer does');
  reader.skip(4);
  const length = Number(reader.zigzag());
  const path = length === 0 ? [0] : [];
  if (length < 0 || length > index.length) throw new PayloadError('Protobuf: another message of the file');
  while (path.length < length) path.push(Number(reader.zigzag()));
  if (path.join() !== index.join()) throw new PayloadError('Protobuf: another message of the file');
}
