import { ByteReader } from './byte-reader';
import { InflationLimit, MalformedBytes } from './errors';

const frameMagic = 0x184d2204;

/** What a frame grows into, bounded. */
class Output {
  private bytes: Buffer;
  length = 0;

  constructor(
    guess: number,
    private readonly maxBytes: number,
  ) {
    this.bytes = Buffer.allocUnsafe(Math.min(Math.max(guess, 64), maxBytes));
  }

  append(literal: Buffer): void {
    this.reserve(literal.length);
    this.length += literal.copy(this.bytes, this.length);
  }

  /** Source and target may overlap: a repeat of the last bytes is how runs are written. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.length) throw new MalformedBytes('lz4: a match starts before the frame');
    this.reserve(length);
    const { bytes } = this;
    for (let at = this.length; at < this.length + length; at += 1) bytes[at] = bytes[at - distance] as number;
    this.length += length;
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(length: number): void {
    const needed = this.length + length;
    if (needed > this.maxBytes) throw new InflationLimit(this.maxBytes);
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.min(Math.max(needed, this.bytes.length * 2), this.maxBytes));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

/** One LZ4 frame; at most `maxBytes` come out. Its xxHash checksums are passed over: the batch has a CRC of its own. */
export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const reader = new ByteReader(bytes);
  if (reader.take(4).readUInt32LE(0) !== frameMagic) throw new MalformedBytes('lz4: this is no frame');
  const flags = reader.take(2)[0] as number;
  if (flags >>> 6 !== 1) throw new MalformedBytes('lz4: the frame has an unknown version');
  if (flags & 0x01) throw new MalformedBytes('lz4: the frame needs a dictionary');
  if (flags & 0x08) reader.skip(8);
  reader.skip(1);
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  const out = new Output(bytes.length * 3, maxBytes);
  for (;;) {
    const size = reader.take(4).readUInt32LE(0);
    if (size === 0) return out.finish();
    const block = reader.take(size & 0x7fffffff);
    if (size >= 0x80000000) out.append(block);
    else decompressBlock(block, out);
    reader.skip(blockChecksum);
  }
}

function decompressBlock(block: Buffer, out: Output): void {
  const reader = new ByteReader(block);
  while (reader.left > 0) {
    const token = reader.take(1)[0] as number;
    out.append(reader.take(extended(reader, token >>> 4)));
    // The last sequence of a block has literals only.
    if (reader.left === 0) return;
    const distance = reader.take(2).readUInt16LE(0);
    out.repeat(distance, extended(reader, token & 15) + 4);
  }
}

/** 15 in the token goes on in following bytes until one is below 255. */
function extended(reader: ByteReader, field: number): number {
  let length = field;
  for (let byte = field === 15 ? 255 : 0; byte === 255; length += byte) byte = reader.take(1)[0] as number;
  return length;
}
