import { stringifyJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import type { Enum, Field, FieldBase, Type } from 'protobufjs';
import { isObject, PayloadError } from './payload-format';
import { setField, type PayloadReader } from './payload-reader';
import { int32, scalarOf, wireTypes, type ProtobufScalar } from './protobuf-scalars';
import { wellKnown } from './protobuf-well-known';

/** How a value is read; `before` is what the field had already. */
interface ValueKind extends Omit<ProtobufScalar, 'read' | 'zero'> {
  read: (reader: PayloadReader, before?: JsonValue) => JsonValue;
  /** undefined: it is absent then. */
  zero: JsonValue | undefined;
}

interface FieldPlan {
  name: string;
  kind: ValueKind;
  repeated: boolean;
  required: boolean;
  /** What stands for it where it is absent. */
  absent: (() => JsonValue) | undefined;
  /** The other fields of its oneof. */
  others: readonly string[];
}

/**
 * Reads messages of a type as ProtoJSON has them, but with numbers for 64-bit integers: fields by their JSON names, those
 * without presence always there, enumerations by name (by number where that is not known). Unknown fields are passed over.
 */
export class ProtobufMessage {
  private readonly fields = new Map<number, FieldPlan>();

  constructor(type: Type, known: Map<Type, ProtobufMessage> = new Map()) {
    known.set(type, this);
    for (const field of type.fieldsArray) this.fields.set(field.id, planOf(field, known));
  }

  read(reader: PayloadReader, end: number, message: JsonObject = {}): JsonObject {
    while (reader.at < end) this.readField(reader, message);
    if (reader.at !== end) throw new PayloadError('Protobuf: a field ends after its message');
    for (const { name, required, absent } of this.fields.values()) {
      if (Object.hasOwn(message, name)) continue;
      if (required) throw new PayloadError(`Protobuf: ${name} is missing`);
      if (absent !== undefined) setField(message, name, absent());
    }
    return message;
  }

  private readField(reader: PayloadReader, message: JsonObject): void {
    reader.count();
    const tag = Number(reader.varint());
    const [id, wire] = [Math.floor(tag / 8), tag % 8];
    if (id === 0 || tag > 0xffff_ffff) throw new PayloadError('Protobuf: a field has no number');
    const field = this.fields.get(id);
    if (field === undefined) return skip(reader, id, wire);
    const { name, kind, repeated, others } = field;
    if (repeated) return readRepeated(reader, message, field, id, wire);
    if (wire !== kind.wire) return skip(reader, id, wire);
    for (const other of others) delete message[other];
    setField(message, name, kind.read(reader, Object.hasOwn(message, name) ? message[name] : undefined));
  }
}

function readRepeated(
  reader: PayloadReader,
  message: JsonObject,
  { name, kind }: FieldPlan,
  id: number,
  wire: number,
): void {
  if (wire !== kind.wire && wire !== wireTypes.delimited) return skip(reader, id, wire);
  const before = Object.hasOwn(message, name) ? message[name] : undefined;
  const items = Array.isArray(before) ? before : [];
  setField(message, name, items);
  if (wire === kind.wire) {
    items.push(kind.read(reader));
    return;
  }
  const size = reader.size();
  const end = reader.at + size;
  for (; reader.at < end; reader.count()) items.push(kind.read(reader));
  if (reader.at !== end) throw new PayloadError('Protobuf: a list ends inside a value');
}

/** What nobody asked for. */
function skip(reader: PayloadReader, id: number, wire: number): void {
  switch (wire) {
    case wireTypes.varint:
      reader.varint();
      return;
    case wireTypes.bytes8:
      return reader.skip(8);
    case wireTypes.delimited:
      return reader.skip(reader.size());
    case wireTypes.startGroup:
      return reader.nested(() => skipGroup(reader, id));
    case wireTypes.bytes4:
      return reader.skip(4);
    default:
      throw new PayloadError('Protobuf: a field of a kind that there is not');
  }
}

function skipGroup(reader: PayloadReader, group: number): void {
  for (;;) {
    reader.count();
    const tag = Number(reader.varint());
    const [id, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === wireTypes.endGroup && id === group) return;
    skip(reader, id, wire);
  }
}

function planOf(field: Field, known: Map<Type, ProtobufMessage>): FieldPlan {
  field.resolve();
  const { jsonName: name, repeated, required, hasPresence, partOf } = field;
  const others = (partOf?.fieldsArray ?? [])
    .filter((other) => other !== field)
    .map((other) => other.resolve().jsonName);
  const kind = 'keyType' in field ? mapKind(field, String(field.keyType), known) : kindOf(field, known);
  const { zero } = kind;
  if (repeated) return { ...{ name, kind, repeated, others }, required: false, absent: () => [] };
  const absent = hasPresence || zero === undefined ? undefined : () => (field.map ? {} : zero);
  return { name, kind, repeated, required, absent, others };
}

function kindOf(
  { type, resolvedType }: Pick<FieldBase, 'type' | 'resolvedType'>,
  known: Map<Type, ProtobufMessage>,
): ValueKind {
  if (resolvedType === null) {
    const scalar = scalarOf(type);
    if (scalar === undefined) throw new Error(`${type} is no type of Protobuf`);
    return scalar;
  }
  return 'fieldsArray' in resolvedType ? messageKind(resolvedType, known) : enumKind(resolvedType);
}

function enumKind({ valuesById, values }: Enum): ValueKind {
  const nameOf = (value: JsonValue) => (typeof value === 'number' ? (valuesById[value] ?? value) : value);
  const zero = nameOf(0) === 0 ? Object.values(values)[0] : 0;
  return { wire: wireTypes.varint, read: (reader) => nameOf(int32.read(reader)), zero: nameOf(zero ?? 0) };
}

function messageKind(type: Type, known: Map<Type, ProtobufMessage>): ValueKind {
  const message = known.get(type) ?? new ProtobufMessage(type, known);
  const convert = wellKnown.get(type.fullName);
  const read = (reader: PayloadReader, before?: JsonValue) =>
    reader.nested(() => {
      const size = reader.size();
      // A message that comes in parts is put together; one that has become something else is not.
      const into = before !== undefined && isObject(before) && convert === undefined ? before : {};
      const value = message.read(reader, reader.at + size, into);
      return convert === undefined ? value : convert(value);
    });
  return { wire: wireTypes.delimited, read, zero: undefined };
}

function mapKind(field: Field, keyType: string, known: Map<Type, ProtobufMessage>): ValueKind {
  const key = scalarOf(keyType);
  if (key === undefined) throw new Error(`${keyType} is no type of keys of Protobuf`);
  const value = kindOf(field, known);
  const read = (reader: PayloadReader, before: JsonValue = {}) => {
    const map = isObject(before) ? before : {};
    const size = reader.size();
    const entry = readEntry(reader, reader.at + size, key, value);
    setField(map, textOfKey(entry.key), entry.value);
    return map;
  };
  return { wire: wireTypes.delimited, read, zero: {} };
}

function textOfKey(key: JsonValue): string {
  return typeof key === 'string' ? key : stringifyJson(key ?? '');
}

function readEntry(
  reader: PayloadReader,
  end: number,
  key: ProtobufScalar,
  value: ValueKind,
): { key: JsonValue; value: JsonValue } {
  const entry: { key: JsonValue; value: JsonValue | undefined } = { key: key.zero, value: value.zero };
  while (reader.at < end) {
    reader.count();
    const tag = Number(reader.varint());
    if (tag === 8 + key.wire) entry.key = key.read(reader);
    else if (tag === 16 + value.wire) entry.value = value.read(reader, entry.value);
    else skip(reader, Math.floor(tag / 8), tag % 8);
  }
  if (reader.at !== end) throw new PayloadError('Protobuf: a field ends after its message');
  return { key: entry.key, value: entry.value ?? {} };
}
