/** Murmur2 as Java's `Utils.murmur2` has it: the same key goes to the same partition whoever wrote it. */
export function murmur2(key: Buffer): number {
  const { length } = key;
  const words = length & ~3;
  let hash = 0x9747b28c ^ length;
  for (let at = 0; at < words; at += 4) {
    let word = Math.imul(key.readInt32LE(at), multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  if (length > words) hash = Math.imul(hash ^ key.readUIntLE(words, length - words), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) | 0;
}

const multiplier = 0x5bd1e995;

/** The partition that Java's default partitioner gives a key. */
export function partitionOfKey(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
