import { z } from 'zod';
import { strict, type CatalogFile, type FieldPath } from './catalog-file';
import { protoFileName, type ProtobufFormat, type ProtoFiles } from './proto-files';

const protobuf = strict({
  file: z.string().regex(protoFileName, 'is no .proto file beside this one; use a name such as orders.proto'),
  message: z
    .string()
    .regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/, 'is no name of a message; use one such as shop.v1.Order'),
  framing: z.enum(['none', 'confluent']).default('none'),
});

export const formatSchema = z.union(
  [z.enum(['json', 'cbor', 'avro']), strict({ protobuf })],
  'is no format; use json, cbor, avro or { protobuf: { file, message } }, with framing: confluent where a registry is used',
);

/** What records are written in. */
export type StreamFormat = 'json' | 'cbor' | 'avro' | ProtobufFormat;

/** The format that stands at `path`, with its message; undefined, and reported, when there is none that has the fields. */
export function readFormat(
  file: CatalogFile,
  path: FieldPath,
  format: z.output<typeof formatSchema>,
  { fields, protos }: { fields: readonly string[]; protos: ProtoFiles },
): StreamFormat | undefined {
  if (typeof format === 'string') return format;
  const { file: name, message, framing } = format.protobuf;
  try {
    const found = protos.message(name, message);
    const names = new Set(found.message.fieldsArray.map(({ jsonName }) => jsonName));
    const missing = fields.find((field) => !names.has(field));
    if (missing === undefined) return { ...found, framing };
    file.report([...path, 'protobuf', 'message'], `${message} has no field whose JSON name is ${missing}`);
  } catch (error) {
    file.report([...path, 'protobuf', 'file'], error instanceof Error ? error.message : 'cannot be read');
  }
  return undefined;
}
