import type { JsonValue } from '@tidegate/contracts';
import { double, float, integer } from './exact-numbers';
import type { PayloadReader } from './payload-reader';

export const wireTypes = { varint: 0, bytes8: 1, delimited: 2, startGroup: 3, endGroup: 4, bytes4: 5 } as const;

export interface ProtobufScalar {
  wire: number;
  read: (reader: PayloadReader) => JsonValue;
  /** What stands for it where it is absent. */
  zero: JsonValue;
}

/** The low 32 bits of a varint: longer ones are cut, as every implementation does. */
function low32(value: number | bigint): number {
  return typeof value === 'number' ? value >>> 0 : Number(BigInt.asUintN(32, value));
}

function varint(read: (reader: PayloadReader) => JsonValue, zero: JsonValue = 0): ProtobufScalar {
  return { wire: wireTypes.varint, read, zero };
}

function bytes4(read: (bytes: Buffer, at: number) => JsonValue): ProtobufScalar {
  return { wire: wireTypes.bytes4, read: (reader) => read(reader.bytes, reader.pass(4)), zero: 0 };
}

function bytes8(read: (bytes: Buffer, at: number) => JsonValue): ProtobufScalar {
  return { wire: wireTypes.bytes8, read: (reader) => read(reader.bytes, reader.pass(8)), zero: 0 };
}

function delimited(read: (reader: PayloadReader) => JsonValue): ProtobufScalar {
  return { wire: wireTypes.delimited, read, zero: '' };
}

export const int32 = varint((reader) => low32(reader.varint()) | 0);

const scalars = new Map<string, ProtobufScalar>([
  ['int32', int32],
  ['uint32', varint((reader) => low32(reader.varint()))],
  ['sint32', varint((reader) => unzigzag32(low32(reader.varint())))],
  ['int64', varint((reader) => integer(signed(reader.varint())))],
  ['uint64', varint((reader) => integer(reader.varint()))],
  ['sint64', varint((reader) => integer(reader.zigzag()))],
  ['bool', varint((reader) => Number(reader.varint()) !== 0, false)],
  ['fixed32', bytes4((bytes, at) => bytes.readUInt32LE(at))],
  ['sfixed32', bytes4((bytes, at) => bytes.readInt32LE(at))],
  ['float', bytes4((bytes, at) => float(bytes.readFloatLE(at)))],
  ['fixed64', bytes8((bytes, at) => integer(bytes.readBigUInt64LE(at)))],
  ['sfixed64', bytes8((bytes, at) => integer(bytes.readBigInt64LE(at)))],
  ['double', bytes8((bytes, at) => double(bytes.readDoubleLE(at)))],
  ['string', delimited((reader) => reader.text(reader.size()))],
  ['bytes', delimited((reader) => reader.base64(reader.size()))],
]);

export function scalarOf(type: string): ProtobufScalar | undefined {
  return scalars.get(type);
}

function signed(value: number | bigint): number | bigint {
  return typeof value === 'number' ? value : BigInt.asIntN(64, value);
}

function unzigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
