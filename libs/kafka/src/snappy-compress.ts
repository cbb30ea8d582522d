import { findMatches } from './lz-matches';

/** Magic number, version and oldest compatible version of Java's SnappyOutputStream, which Kafka's clients expect around the blocks. */
const streamHead = Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex');
const maxBlockBytes = 64 * 1024;
const literal = 0;
const shortCopy = 1;
const longCopy = 2;
/** Literals of more than 60 bytes say in 1 or 2 following bytes how many. */
const literalInTag = 60;

/** Snappy blocks in Java's framing. */
export function snappyCompress(bytes: Buffer): Buffer {
  const blocks = Math.ceil(bytes.length / maxBlockBytes);
  const out = Buffer.allocUnsafe(streamHead.length + bytes.length + Math.ceil(bytes.length / 6) + 40 * blocks);
  let at = streamHead.copy(out);
  for (let start = 0; start < bytes.length; start += maxBlockBytes) {
    const size = putBlock(bytes, start, Math.min(start + maxBlockBytes, bytes.length), out, at + 4);
    at = out.writeInt32BE(size, at) + size;
  }
  return out.subarray(0, at);
}

function putBlock(bytes: Buffer, start: number, end: number, out: Buffer, outStart: number): number {
  let at = putUvarint(end - start, out, outStart);
  const rest = findMatches(bytes, start, end, (literalsStart, matchStart, distance, length) => {
    at = putLiteral(bytes, literalsStart, matchStart, out, at);
    at = putCopy(distance, length, out, at);
  });
  return putLiteral(bytes, rest, end, out, at) - outStart;
}

function putUvarint(value: number, out: Buffer, outStart: number): number {
  let at = outStart;
  let left = value;
  for (; left >= 0x80; left >>>= 7) out[at++] = (left & 0x7f) | 0x80;
  out[at++] = left;
  return at;
}

function putLiteral(bytes: Buffer, start: number, end: number, out: Buffer, outStart: number): number {
  const length = end - start;
  if (length === 0) return outStart;
  let at = outStart;
  if (length <= literalInTag) out[at++] = ((length - 1) << 2) | literal;
  else {
    const wide = length > 256;
    out[at++] = ((literalInTag + (wide ? 1 : 0)) << 2) | literal;
    at = wide ? out.writeUInt16LE(length - 1, at) : out.writeUInt8(length - 1, at);
  }
  return at + bytes.copy(out, at, start, end);
}

/** A copy has at most 64 bytes, and no piece of a longer one fewer than 4. */
function putCopy(distance: number, length: number, out: Buffer, outStart: number): number {
  let at = outStart;
  let left = length;
  for (; left >= 68; left -= 64) at = putPiece(distance, 64, out, at);
  if (left > 64) {
    at = putPiece(distance, 60, out, at);
    left -= 60;
  }
  return putPiece(distance, left, out, at);
}

function putPiece(distance: number, length: number, out: Buffer, at: number): number {
  if (length < 12 && distance < 2_048) {
    out[at] = ((distance >>> 8) << 5) | ((length - 4) << 2) | shortCopy;
    out[at + 1] = distance & 0xff;
    return at + 2;
  }
  out[at] = ((length - 1) << 2) | longCopy;
  return out.writeUInt16LE(distance, at + 1);
}
