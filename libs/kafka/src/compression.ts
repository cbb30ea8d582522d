import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { InflationLimit, MalformedBytes } from './errors';
import { lz4Decompress } from './lz4';
import { lz4Compress } from './lz4-compress';
import { snappyDecompress } from './snappy';
import { snappyCompress } from './snappy-compress';

export type Compression = keyof typeof codecNumbers;

/** As they stand in a batch's attributes. */
export const codecNumbers = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

type Decompress = (bytes: Buffer, maxBytes: number) => Buffer;

const decompressors: Record<number, Decompress> = {
  [codecNumbers.gzip]: (bytes, maxBytes) => withLimit(maxBytes, () => gunzipSync(bytes, { maxOutputLength: maxBytes })),
  [codecNumbers.snappy]: snappyDecompress,
  [codecNumbers.lz4]: lz4Decompress,
  [codecNumbers.zstd]: (bytes, maxBytes) =>
    withLimit(maxBytes, () => zstdDecompressSync(bytes, { maxOutputLength: maxBytes })),
};

/** Each codec's quickest level: on JSON records the slower ones take twice the time for less than a tenth of the bytes. */
const compressors: Record<Exclude<Compression, 'none'>, (bytes: Buffer) => Buffer> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  snappy: snappyCompress,
  lz4: lz4Compress,
  zstd: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
};

export function compress(compression: Exclude<Compression, 'none'>, bytes: Buffer): Buffer {
  return compressors[compression](bytes);
}

/** @throws MalformedBytes or InflationLimit */
export function decompress(codec: number, bytes: Buffer, maxBytes: number): Buffer {
  const run = decompressors[codec];
  if (!run) throw new MalformedBytes(`compression codec ${codec} is not known`);
  return run(bytes, maxBytes);
}

function withLimit(maxBytes: number, run: () => Buffer): Buffer {
  try {
    return run();
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge ? new InflationLimit(maxBytes) : new MalformedBytes('the compressed records cannot be read', error);
  }
}
