import { ByteReader } from './byte-reader';
import { InflationLimit, MalformedBytes } from './errors';

/** Java's SnappyOutputStream frames its blocks: this magic, two versions, then blocks with a big-endian length. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

/** Raw Snappy or Java's framing of it; at most `maxBytes` come out. */
export function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return decompressBlock(bytes, maxBytes);
  const reader = new ByteReader(bytes, xerialMagic.length);
  reader.skip(8);
  const blocks: Buffer[] = [];
  let total = 0;
  while (reader.left > 0) {
    const block = decompressBlock(reader.take(reader.int32()), maxBytes - total);
    total += block.length;
    blocks.push(block);
  }
  return Buffer.concat(blocks, total);
}

function decompressBlock(bytes: Buffer, maxBytes: number): Buffer {
  const reader = new ByteReader(bytes);
  const length = reader.uvarint();
  if (length > maxBytes) throw new InflationLimit(maxBytes);
  const out = Buffer.allocUnsafe(length);
  let at = 0;
  while (reader.left > 0) {
    const tag = reader.take(1)[0] as number;
    if ((tag & 3) === 0) {
      const literal = reader.take(literalLength(reader, tag >>> 2));
      if (literal.length > length - at) throw new MalformedBytes('snappy: a literal goes past the end');
      at += literal.copy(out, at);
    } else {
      at = copyBack(out, at, backReference(reader, tag));
    }
  }
  if (at !== length) throw new MalformedBytes('snappy: the block is shorter than it says');
  return out;
}

/** Up to 60 bytes the length stands in the tag; 60 to 63 say how many bytes (1 to 4) hold it. */
function literalLength(reader: ByteReader, field: number): number {
  return field < 60 ? field + 1 : reader.take(field - 59).readUIntLE(0, field - 59) + 1;
}

interface BackReference {
  length: number;
  distance: number;
}

function backReference(reader: ByteReader, tag: number): BackReference {
  switch (tag & 3) {
    case 1:
      return { length: ((tag >>> 2) & 7) + 4, distance: ((tag >>> 5) << 8) | (reader.take(1)[0] as number) };
    case 2:
      return { length: (tag >>> 2) + 1, distance: reader.take(2).readUInt16LE(0) };
    default:
      return { length: (tag >>> 2) + 1, distance: reader.take(4).readUInt32LE(0) };
  }
}

/** Source and target may overlap: a repeat of the last bytes is how runs are written. */
function copyBack(out: Buffer, at: number, { length, distance }: BackReference): number {
  if (distance === 0 || distance > at) throw new MalformedBytes('snappy: a copy starts before the block');
  if (length > out.length - at) throw new MalformedBytes('snappy: a copy goes past the end');
  for (let index = at; index < at + length; index += 1) out[index] = out[index - distance] as number;
  return at + length;
}
