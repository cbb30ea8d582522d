/** A run that comes again: literals stand before it, from where the last one ended. */
export type OnMatch = (literalsStart: number, start: number, distance: number, length: number) => void;

const hashBits = 14;
/** Where a word of that hash was seen last. */
const seenAt = new Int32Array(1 << hashBits);
const hashMultiplier = 0x9e3779b1;
const shortestMatch = 4;
/** LZ4's decoders copy in large steps: no match begins in the last 12 bytes of a block, nor reaches into the last 5. */
const startMargin = 12;
const endMargin = 5;
/** After so many misses in a row the search goes on in larger steps: what does not shrink costs little. */
const missesPerStep = 64;

/** Finds what LZ4 and Snappy leave out, greedily, within one block; returns where the literals behind the last match begin. */
export function findMatches(bytes: Buffer, start: number, end: number, onMatch: OnMatch): number {
  seenAt.fill(-1);
  let literals = start;
  let misses = 0;
  for (let at = start; at <= end - startMargin;) {
    const word = bytes.readInt32LE(at);
    const hash = Math.imul(word, hashMultiplier) >>> (32 - hashBits);
    const candidate = seenAt[hash] as number;
    seenAt[hash] = at;
    if (candidate < 0 || bytes.readInt32LE(candidate) !== word) {
      at += 1 + Math.floor(misses / missesPerStep);
      misses += 1;
      continue;
    }
    const length = matchLength(bytes, candidate, at, end - endMargin);
    onMatch(literals, at, at - candidate, length);
    at += length;
    literals = at;
    misses = 0;
  }
  return literals;
}

function matchLength(bytes: Buffer, candidate: number, at: number, limit: number): number {
  let length = shortestMatch;
  while (at + length < limit && bytes[candidate + length] === bytes[at + length]) length += 1;
  return length;
}
