import fc from 'fast-check';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { decompress } from './compression';
import { InflationLimit, MalformedBytes } from './errors';

const snappyOf = (bytes: Buffer): Buffer => {
  const literal = Buffer.from([bytes.length, (bytes.length - 1) << 2]);
  return Buffer.concat([literal, bytes]);
};

/** One block, stored as it is. */
const lz4Of = (bytes: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE((bytes.length | 0x80000000) >>> 0);
  return Buffer.concat([Buffer.from('04224d186040', 'hex'), Buffer.from([0]), size, bytes, Buffer.alloc(4)]);
};

const codecs = [
  ['gzip', 1, gzipSync],
  ['snappy', 2, snappyOf],
  ['lz4', 3, lz4Of],
  ['zstd', 4, zstdCompressSync],
] as const;

describe('decompress()', () => {
  it.each(codecs)('keeps to its limit with %s, from both sides', (_, codec, compress) => {
    const bytes = Buffer.from('the quick brown fox');
    expect(decompress(codec, compress(bytes), bytes.length)).toEqual(bytes);
    expect(() => decompress(codec, compress(bytes), bytes.length - 1)).toThrow(InflationLimit);
  });

  it.each(codecs)('refuses bytes that are not %s', (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decompress(codec, Buffer.from(bytes), 10_000);
        } catch (error) {
          expect(error instanceof MalformedBytes || error instanceof InflationLimit).toBe(true);
        }
      }),
    );
  });

  it('stops a small lz4 block that repeats itself for ever', () => {
    const block = Buffer.concat([Buffer.from([0x1f, 0x61, 0x01, 0x00]), Buffer.alloc(2_000, 0xff), Buffer.from([0])]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    const frame = Buffer.concat([Buffer.from('04224d18604000', 'hex'), size, block, Buffer.alloc(4)]);
    expect(() => decompress(3, frame, 10_000)).toThrow(InflationLimit);
    expect(decompress(3, frame, 1_000_000).length).toBe(1 + 2_000 * 255 + 15 + 4);
  });

  it('expands overlapping copies of snappy', () => {
    const run = Buffer.from([10, 0, 0x61, (8 << 2) | 2, 1, 0]);
    expect(decompress(2, run, 10).toString()).toBe('aaaaaaaaaa');
  });

  it.each([
    ['starts before the block', Buffer.from([10, 0, 0x61, (8 << 2) | 2, 2, 0])],
    ['goes past the end', Buffer.from([5, 0, 0x61, (8 << 2) | 2, 1, 0])],
    ['leaves the block unfinished', Buffer.from([10, 0, 0x61])],
  ])('refuses a snappy copy that %s', (_, bytes) => {
    expect(() => decompress(2, bytes, 100)).toThrow(MalformedBytes);
  });

  it('names a codec that there is not', () => {
    expect(() => decompress(5, Buffer.alloc(0), 10)).toThrow('codec 5');
  });
});
