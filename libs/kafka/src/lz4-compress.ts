import { findMatches } from './lz-matches';

/** Magic number, version 1 with independent blocks (Java's reader takes no others) of at most 64 KiB, and the checksum of these flags. */
const frameHead = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const maxBlockBytes = 64 * 1024;
const storedBit = 0x80000000;
const endMark = 0;
const shortestMatch = 4;
/** A length of this or more goes on in following bytes. */
const longest = 15;

/** One LZ4 frame as Kafka's clients read it. */
export function lz4Compress(bytes: Buffer): Buffer {
  const blocks = Math.ceil(bytes.length / maxBlockBytes);
  const out = Buffer.allocUnsafe(frameHead.length + bytes.length + Math.ceil(bytes.length / 255) + 20 * blocks + 4);
  let at = frameHead.copy(out);
  for (let start = 0; start < bytes.length; start += maxBlockBytes) {
    const end = Math.min(start + maxBlockBytes, bytes.length);
    const size = putBlock(bytes, start, end, out, at + 4);
    if (size < end - start) {
      out.writeUInt32LE(size, at);
      at += 4 + size;
    } else {
      out.writeUInt32LE((storedBit | (end - start)) >>> 0, at);
      at += 4 + bytes.copy(out, at + 4, start, end);
    }
  }
  return out.subarray(0, out.writeUInt32LE(endMark, at));
}

function putBlock(bytes: Buffer, start: number, end: number, out: Buffer, outStart: number): number {
  let at = outStart;
  const rest = findMatches(bytes, start, end, (literalsStart, matchStart, distance, length) => {
    at = putLiterals(bytes, literalsStart, matchStart, length - shortestMatch, out, at);
    at = out.writeUInt16LE(distance, at);
    at = putLength(length - shortestMatch, out, at);
  });
  return putLiterals(bytes, rest, end, 0, out, at) - outStart;
}

/** The token holds the beginnings of both lengths. */
function putLiterals(bytes: Buffer, start: number, end: number, match: number, out: Buffer, outStart: number): number {
  const length = end - start;
  out[outStart] = (Math.min(length, longest) << 4) | Math.min(match, longest);
  const at = putLength(length, out, outStart + 1);
  return at + bytes.copy(out, at, start, end);
}

function putLength(length: number, out: Buffer, outStart: number): number {
  let at = outStart;
  if (length < longest) return at;
  let left = length - longest;
  for (; left >= 255; left -= 255) out[at++] = 255;
  out[at++] = left;
  return at;
}
