import { codecNumbers, compress, type Compression } from './compression';
import { crc32c } from './crc32c';

export interface EncodableRecord {
  sentAtMs: number;
  key: Buffer | null;
  value: Buffer | null;
  /** Number and bytes of the headers as they stand in a record; undefined when there are none. */
  headers: Buffer | undefined;
}

/** By what a broker tells a batch that is sent again from a new one; the first record has `firstSequence`. */
export interface BatchIdentity {
  producerId: bigint;
  epoch: number;
  firstSequence: number;
}

const headBytes = 61;
/** Base offset and length stand before what the length counts. */
const lengthEnds = 12;
const unknownLeaderEpoch = -1;
const magic = 2;
/** Clocks jump; a time further than this from its batch's would not fit its field. */
const maxTimeDelta = 2 ** 30 - 1;

/** One batch of format 2 (kafka.apache.org/documentation#recordbatch). Sizes come first, so that it is allocated once. */
export function encodeRecordBatch(
  records: readonly EncodableRecord[],
  identity: BatchIdentity,
  compression: Compression,
): Buffer {
  const baseTime = records[0]?.sentAtMs ?? 0;
  const plain = encodeRecords(records, baseTime);
  const { batch, codec } = packed(plain, compression);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - lengthEnds, 8);
  batch.writeInt32BE(unknownLeaderEpoch, 12);
  batch.writeInt8(magic, 16);
  batch.writeInt16BE(codec, 21);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(baseTime), 27);
  batch.writeBigInt64BE(BigInt(baseTime + longestDelta(records, baseTime)), 35);
  batch.writeBigInt64BE(identity.producerId, 43);
  batch.writeInt16BE(identity.epoch, 51);
  batch.writeInt32BE(identity.firstSequence, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** Behind room for the head. */
function encodeRecords(records: readonly EncodableRecord[], baseTime: number): Buffer {
  const sizes = new Int32Array(records.length);
  let end = headBytes;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index] as EncodableRecord;
    const size = sizeOf(record, index, timeDelta(record, baseTime));
    sizes[index] = size;
    end += varintSize(size) + size;
  }
  const plain = Buffer.allocUnsafe(end);
  let at = headBytes;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index] as EncodableRecord;
    at = putVarint(plain, at, sizes[index] as number);
    at = putRecord(plain, at, record, index, timeDelta(record, baseTime));
  }
  return plain;
}

function longestDelta(records: readonly EncodableRecord[], baseTime: number): number {
  let longest = 0;
  for (const record of records) longest = Math.max(longest, timeDelta(record, baseTime));
  return longest;
}

/** A batch that compression does not make smaller stays as it is. */
function packed(plain: Buffer, compression: Compression): { batch: Buffer; codec: number } {
  if (compression !== 'none') {
    const body = compress(compression, plain.subarray(headBytes));
    if (headBytes + body.length < plain.length) {
      const batch = Buffer.allocUnsafe(headBytes + body.length);
      batch.set(body, headBytes);
      return { batch, codec: codecNumbers[compression] };
    }
  }
  return { batch: plain, codec: codecNumbers.none };
}

function timeDelta({ sentAtMs }: EncodableRecord, baseTime: number): number {
  return Math.max(-maxTimeDelta, Math.min(sentAtMs - baseTime, maxTimeDelta));
}

function sizeOf({ key, value, headers }: EncodableRecord, index: number, delta: number): number {
  const headerBytes = headers === undefined ? 1 : headers.length;
  return 1 + varintSize(delta) + varintSize(index) + varBytesSize(key) + varBytesSize(value) + headerBytes;
}

function putRecord(into: Buffer, start: number, record: EncodableRecord, index: number, delta: number): number {
  into[start] = 0;
  let at = putVarint(into, start + 1, delta);
  at = putVarint(into, at, index);
  at = putVarBytes(into, at, record.key);
  at = putVarBytes(into, at, record.value);
  const { headers } = record;
  if (headers === undefined) {
    into[at] = 0;
    return at + 1;
  }
  into.set(headers, at);
  return at + headers.length;
}

/** Names and values of headers as they stand in a record, behind their number. */
export function encodeHeaders(headers: readonly (readonly [Buffer, Buffer | null])[]): Buffer {
  const size = headers.reduce(
    (sum, [name, value]) => sum + varBytesSize(name) + varBytesSize(value),
    varintSize(headers.length),
  );
  const bytes = Buffer.allocUnsafe(size);
  let at = putVarint(bytes, 0, headers.length);
  for (const [name, value] of headers) at = putVarBytes(bytes, putVarBytes(bytes, at, name), value);
  return bytes;
}

/** Zigzag, as record fields have it; of 32 bits. */
function varintSize(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x200000) return 3;
  return raw < 0x10000000 ? 4 : 5;
}

function putVarint(into: Buffer, start: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = start;
  for (; raw >= 0x80; raw >>>= 7) into[at++] = (raw & 0x7f) | 0x80;
  into[at++] = raw;
  return at;
}

function varBytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function putVarBytes(into: Buffer, start: number, bytes: Buffer | null): number {
  const at = putVarint(into, start, bytes === null ? -1 : bytes.length);
  if (bytes === null) return at;
  into.set(bytes, at);
  return at + bytes.length;
}
