import { isRawNumber, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { Type, types, type Schema } from 'avsc';
import { decimal, double, float, integer } from './exact-numbers';
import { moment } from './moments';
import { PayloadError } from './payload-format';
import { setField, type PayloadReader } from './payload-reader';

/** Reads one value of a schema. @throws PayloadError */
export type ReadAvro = (reader: PayloadReader) => JsonValue;

/** A logical type that avsc is to leave as it is, with what its schema says of it. */
class Logical extends types.LogicalType {
  readonly scale: number;

  constructor(schema: Schema, options?: object) {
    super(schema, options);
    this.scale = (schema as { scale?: number }).scale ?? 0;
  }
}

const subsecond = new Map([
  ['logical:timestamp-millis', 1_000n],
  ['logical:timestamp-micros', 1_000_000n],
  ['logical:timestamp-nanos', 1_000_000_000n],
]);
const logicalTypes = Object.fromEntries(
  ['decimal', 'date', 'timestamp-millis', 'timestamp-micros', 'timestamp-nanos'].map((name) => [name, Logical]),
);

/**
 * What reads values of a schema as JSON: unions without their branch, bytes as base64, decimals and longs with every digit,
 * timestamps and dates as RFC 3339 has them, other logical types as what they are made of.
 *
 * @throws Error when it is no schema of Avro
 */
export function compileAvro(schema: string): ReadAvro {
  return compile(Type.forSchema(JSON.parse(schema) as Schema, { logicalTypes, wrapUnions: true }), new Map());
}

function compile(type: Type, known: Map<Type, ReadAvro>): ReadAvro {
  const before = known.get(type);
  if (before !== undefined) return before;
  // A record may hold itself.
  known.set(type, (reader) => made(reader));
  const made: ReadAvro = type instanceof Logical ? logical(type) : plain(type, known);
  known.set(type, made);
  return made;
}

function plain(type: Type, known: Map<Type, ReadAvro>): ReadAvro {
  if (type instanceof types.RecordType) return record(type, known);
  if (type instanceof types.ArrayType) return list(compile(type.itemsType, known));
  if (type instanceof types.MapType) return map(compile(type.valuesType as Type, known));
  if (type instanceof types.WrappedUnionType) return choice(type.types.map((each) => compile(each, known)));
  if (type instanceof types.EnumType) return choice(type.symbols.map((symbol) => () => symbol));
  if (type instanceof types.FixedType) return (reader) => reader.base64(type.size);
  const read = primitives[type.typeName];
  if (read === undefined) throw new Error(`the type ${type.typeName} is not taken`);
  return read;
}

const primitives: Readonly<Record<string, ReadAvro>> = {
  null: () => null,
  boolean: (reader) => reader.byte() !== 0,
  int: (reader) => integer(reader.zigzag()),
  long: (reader) => integer(reader.zigzag()),
  float: (reader) => float(reader.bytes.readFloatLE(reader.pass(4))),
  double: (reader) => double(reader.bytes.readDoubleLE(reader.pass(8))),
  bytes: (reader) => reader.base64(length(reader)),
  string: (reader) => reader.text(length(reader)),
};

function length(reader: PayloadReader): number {
  return Number(reader.zigzag());
}

function record({ fields }: types.RecordType, known: Map<Type, ReadAvro>): ReadAvro {
  const plan = fields.map(({ name, type }) => ({ name, read: compile(type, known) }));
  return (reader) =>
    reader.nested(() => {
      const row: JsonObject = {};
      for (const { name, read } of plan) {
        reader.count();
        setField(row, name, read(reader));
      }
      return row;
    });
}

function list(read: ReadAvro): ReadAvro {
  return (reader) =>
    reader.nested(() => {
      const items: JsonValue[] = [];
      eachOfBlocks(reader, () => items.push(read(reader)));
      return items;
    });
}

function map(read: ReadAvro): ReadAvro {
  return (reader) =>
    reader.nested(() => {
      const object: JsonObject = {};
      eachOfBlocks(reader, () => setField(object, reader.text(length(reader)), read(reader)));
      return object;
    });
}

/** Blocks of so many values, and a last one of none; a negative count comes with the block's size. */
function eachOfBlocks(reader: PayloadReader, take: () => void): void {
  for (;;) {
    const count = length(reader);
    if (count === 0) return;
    if (count < 0) reader.zigzag();
    for (let left = Math.abs(count); left > 0; left--) {
      // Also of values that take no bytes.
      reader.count();
      take();
    }
  }
}

function choice(branches: readonly ReadAvro[]): ReadAvro {
  return (reader) => {
    const read = branches[length(reader)];
    if (read === undefined) throw new PayloadError('Avro: a choice that its schema does not have');
    return read(reader);
  };
}

function logical({ typeName, underlyingType, scale }: Logical): ReadAvro {
  if (typeName === 'logical:decimal') {
    const size = underlyingType instanceof types.FixedType ? underlyingType.size : undefined;
    return (reader) => decimal(reader.bigInteger(size ?? length(reader), true), -scale);
  }
  const perSecond = subsecond.get(typeName) ?? 1n;
  const read = primitives[underlyingType.typeName];
  if (read === undefined) throw new Error(`${typeName} of ${underlyingType.typeName}`);
  if (typeName === 'logical:date') return (reader) => momentOf(BigInt(digits(read(reader))) * 86_400n, 1n).slice(0, 10);
  return (reader) => momentOf(BigInt(digits(read(reader))), perSecond);
}

function digits(value: JsonValue): string | number {
  if (isRawNumber(value)) return value.rawJSON;
  if (typeof value === 'number') return value;
  throw new PayloadError('Avro: a time that is no number');
}

function momentOf(ticks: bigint, perSecond: bigint): string {
  const rest = ((ticks % perSecond) + perSecond) % perSecond;
  const text = moment(Number((ticks - rest) / perSecond), Number((rest * 1_000_000_000n) / perSecond));
  if (text === undefined) throw new PayloadError('Avro: a time beyond the years 1 to 9999');
  return text;
}
