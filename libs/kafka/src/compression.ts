import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { InflationLimit, MalformedBytes } from './errors';
import { lz4Decompress } from './lz4';
import { snappyDecompress } from './snappy';

type Decompress = (bytes: Buffer, maxBytes: number) => Buffer;

/** By the codec number in a batch's attributes. */
const codecs: Record<number, Decompress> = {
  1: (bytes, maxBytes) => withLimit(maxBytes, () => gunzipSync(bytes, { maxOutputLength: maxBytes })),
  2: snappyDecompress,
  3: lz4Decompress,
  4: (bytes, maxBytes) => withLimit(maxBytes, () => zstdDecompressSync(bytes, { maxOutputLength: maxBytes })),
};

/** @throws MalformedBytes or InflationLimit */
export function decompress(codec: number, bytes: Buffer, maxBytes: number): Buffer {
  const run = codecs[codec];
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
