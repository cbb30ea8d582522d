import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { decimal, double, integer } from './exact-numbers';
import { PayloadError, type PayloadFormat } from './payload-format';
import { PayloadReader, setField } from './payload-reader';

const breakByte = 0xff;

/**
 * CBOR (RFC 8949) as JSON: byte strings as base64, integers, bignums (tags 2 and 3) and decimals (tag 4) with every digit,
 * NaN and infinities as null, undefined as JavaScript writes it (a field is left out). Keys are text, none twice; no other tags.
 */
export const cborFormat: PayloadFormat = ({ value: bytes }) => {
  if (bytes === null) throw new PayloadError('no value');
  const reader = new PayloadReader(bytes);
  const value = readItem(reader);
  if (!reader.ended) throw new PayloadError('CBOR: bytes follow the value');
  return { value: value ?? null, text: undefined };
};

function readItem(reader: PayloadReader): JsonValue | undefined {
  reader.count();
  const initial = reader.byte();
  const info = initial & 0x1f;
  switch (initial >> 5) {
    case 0:
      return integer(readArgument(reader, info));
    case 1:
      return integer(negative(readArgument(reader, info)));
    case 2:
      return Buffer.concat(readPieces(reader, initial)).toString('base64');
    case 3:
      return readText(reader, initial);
    case 4:
      return reader.nested(() => readArray(reader, info));
    case 5:
      return reader.nested(() => readMap(reader, info));
    case 6:
      return readTagged(reader, info);
    default:
      return readSimple(reader, info);
  }
}

function negative(argument: number | bigint): number | bigint {
  return typeof argument === 'number' ? -1 - argument : -1n - argument;
}

function readArgument(reader: PayloadReader, info: number): number | bigint {
  if (info < 24) return info;
  if (info === 24) return reader.byte();
  if (info === 25) return reader.uint16();
  if (info === 26) return reader.uint32();
  if (info === 27) return reader.bytes.readBigUInt64BE(reader.pass(8));
  throw new PayloadError('CBOR: a length of a kind that there is not');
}

function readArray(reader: PayloadReader, info: number): JsonValue[] {
  const items: JsonValue[] = [];
  for (const more = counted(reader, info); more();) items.push(readItem(reader) ?? null);
  return items;
}

function readMap(reader: PayloadReader, info: number): JsonObject {
  const map: JsonObject = {};
  for (const more = counted(reader, info); more();) {
    const initial = reader.byte();
    if (initial >> 5 !== 3) throw new PayloadError('CBOR: a key is not text');
    const key = readText(reader, initial);
    if (Object.hasOwn(map, key)) throw new PayloadError('CBOR: a key comes twice in a map');
    const value = readItem(reader);
    if (value !== undefined) setField(map, key, value);
  }
  return map;
}

/** Whether there is one more part: so many, or up to a break. */
function counted(reader: PayloadReader, info: number): () => boolean {
  if (info === 31) return () => !readBreak(reader);
  let left = readArgument(reader, info);
  return () => left-- > 0;
}

function readBreak(reader: PayloadReader): boolean {
  if (reader.peek() !== breakByte) return false;
  reader.byte();
  return true;
}

function readText(reader: PayloadReader, initial: number): string {
  if ((initial & 0x1f) !== 31) return reader.text(Number(readArgument(reader, initial & 0x1f)));
  let text = '';
  while (!readBreak(reader)) text += reader.text(pieceLength(reader, initial));
  return text;
}

function readPieces(reader: PayloadReader, initial: number): Buffer[] {
  if ((initial & 0x1f) !== 31) return [reader.take(Number(readArgument(reader, initial & 0x1f)))];
  const pieces: Buffer[] = [];
  while (!readBreak(reader)) pieces.push(reader.take(pieceLength(reader, initial)));
  return pieces;
}

/** Of a string in pieces, each of its kind and of a length of its own. */
function pieceLength(reader: PayloadReader, initial: number): number {
  reader.count();
  const piece = reader.byte();
  if (piece >> 5 !== initial >> 5) throw new PayloadError('CBOR: a piece of a string is of another kind');
  return Number(readArgument(reader, piece & 0x1f));
}

function readTagged(reader: PayloadReader, info: number): JsonValue {
  const tag = readArgument(reader, info);
  if (tag === 2 || tag === 3) return integer(readBignum(reader, Number(tag)));
  if (tag !== 4) throw new PayloadError(`CBOR: tag ${tag}; bignums (2, 3) and decimals (4) are taken`);
  if (reader.byte() !== 0x82) throw new PayloadError('CBOR: a decimal is a list of exponent and mantissa');
  const exponent = readInteger(reader);
  const mantissa =
    reader.peek() === 0xc2 || reader.peek() === 0xc3 ? readBignum(reader, reader.byte() & 0x1f) : readInteger(reader);
  return decimal(BigInt(mantissa), exponent);
}

function readBignum(reader: PayloadReader, tag: number): bigint {
  const initial = reader.byte();
  if (initial >> 5 !== 2) throw new PayloadError('CBOR: a bignum is a byte string');
  const value = reader.bigInteger(Number(readArgument(reader, initial & 0x1f)), false);
  return tag === 2 ? value : -1n - value;
}

function readInteger(reader: PayloadReader): number | bigint {
  const initial = reader.byte();
  if (initial >> 5 > 1) throw new PayloadError('CBOR: a decimal is made of two integers');
  const argument = readArgument(reader, initial & 0x1f);
  return initial >> 5 === 0 ? argument : negative(argument);
}

function readSimple(reader: PayloadReader, info: number): JsonValue | undefined {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      return double(half(reader.uint16()));
    case 26:
      return double(reader.bytes.readFloatBE(reader.pass(4)));
    case 27:
      return double(reader.bytes.readDoubleBE(reader.pass(8)));
    default:
      throw new PayloadError('CBOR: a simple value that is not taken');
  }
}

/** A number of 16 bits (RFC 8949, appendix D). */
function half(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
