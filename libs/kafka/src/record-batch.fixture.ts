import { ByteWriter } from './byte-writer';
import { crc32c } from './crc32c';

export interface BatchRecord {
  offsetDelta?: number;
  timestampDelta?: number;
  key: Buffer | null;
  value: Buffer | null;
  headers?: [string, Buffer | null][];
}

export interface BatchOptions {
  baseOffset?: bigint;
  lastOffsetDelta?: number;
  attributes?: number;
  baseTimestamp?: bigint;
  maxTimestamp?: bigint;
  producerId?: bigint;
  /** Default: the number of records. */
  count?: number;
  compress?: (bytes: Buffer) => Buffer;
}

export const transactionalBit = 0x10;
const controlBit = 0x20;

/** An encoder of its own, for tests: what it writes is not what the decoder was made from. */
export function encodeBatch(records: BatchRecord[], options: BatchOptions = {}): Buffer {
  const body = Buffer.concat(records.map((record, index) => encodeRecord({ offsetDelta: index, ...record })));
  const payload = options.compress ? options.compress(body) : body;
  const checked = new ByteWriter()
    .int16(options.attributes ?? 0)
    .int32(options.lastOffsetDelta ?? Math.max(records.length - 1, 0))
    .int64(options.baseTimestamp ?? 0n)
    .int64(options.maxTimestamp ?? 0n)
    .int64(options.producerId ?? -1n)
    .int16(-1)
    .int32(-1)
    .int32(options.count ?? records.length)
    .raw(payload)
    .finish();
  const head = new ByteWriter().int64(options.baseOffset ?? 0n).int32(checked.length + 9);
  return head
    .int32(-1)
    .int8(2)
    .int32(crc32c(checked) | 0)
    .raw(checked)
    .finish();
}

/** Version, type 0: the transaction of this producer is aborted; type 1: committed. */
export function encodeMarker(type: 0 | 1, baseOffset: bigint, producerId: bigint): Buffer {
  const key = new ByteWriter().int16(0).int16(type).finish();
  return encodeBatch([{ key, value: Buffer.alloc(6) }], {
    baseOffset,
    producerId,
    attributes: controlBit | transactionalBit,
  });
}

/** Makes a changed batch look right again. */
export function withChecksum(batch: Buffer): Buffer {
  const fixed = Buffer.from(batch);
  fixed.writeUInt32BE(crc32c(fixed, 21), 17);
  return fixed;
}

function encodeRecord(record: BatchRecord): Buffer {
  const parts = [
    Buffer.from([0]),
    zigzag(BigInt(record.timestampDelta ?? 0)),
    zigzag(BigInt(record.offsetDelta ?? 0)),
    ...sized(record.key),
    ...sized(record.value),
    zigzag(BigInt(record.headers?.length ?? 0)),
    ...(record.headers ?? []).flatMap(([name, value]) => [...sized(Buffer.from(name)), ...sized(value)]),
  ];
  const body = Buffer.concat(parts);
  return Buffer.concat([zigzag(BigInt(body.length)), body]);
}

function sized(bytes: Buffer | null): Buffer[] {
  return bytes === null ? [zigzag(-1n)] : [zigzag(BigInt(bytes.length)), bytes];
}

function zigzag(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
