import fc from 'fast-check';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compress, decompress } from './compression';
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

describe('compress()', () => {
  const alike = fc
    .array(fc.constantFrom('tide', 'gate', 'a', 'ab', '{"status":"placed"}', '\u0000'), { maxLength: 300 })
    .map((words) => Buffer.from(words.join('')));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s loses nothing', (compression) => {
    fc.assert(
      fc.property(fc.oneof(alike, random), (bytes) => {
        const codec = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 }[compression];
        expect(decompress(codec, compress(compression, bytes), bytes.length + 1).equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['snappy', 2],
    ['lz4', 3],
  ] as const)('%s takes data of many blocks, alike and not', (compression, codec) => {
    const noise = Buffer.from(Array.from({ length: 100_000 }, (_, index) => Math.imul(index, 2_654_435_761) >>> 13));
    const bytes = Buffer.concat([Buffer.alloc(200_000, 'x'), noise, Buffer.from('tide '.repeat(30_000)), noise]);
    const small = compress(compression, bytes);
    expect(decompress(codec, small, bytes.length).equals(bytes)).toBe(true);
    expect(small.length).toBeLessThan(bytes.length / 2);
  });

  // The LZ4 block format's end conditions: decoders in C refuse blocks that break them.
  it.each([13, 20, 64, 300])('lz4 ends a block of %p alike bytes with at least five literals', (length) => {
    const frame = compress('lz4', Buffer.alloc(length, 'x'));
    expect(frame.subarray(-4 - 5, -4).toString()).toBe('xxxxx');
  });
});
