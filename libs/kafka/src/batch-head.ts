import { MalformedBytes } from './errors';

/** Size of a batch's head, up to its first record. */
export const headBytes = 61;
/** Base offset and length stand before what the length counts. */
export const lengthEnds = 12;

/** Where the fields of a v2 batch stand (kafka.apache.org/documentation#recordbatch). */
const at = {
  length: 8,
  epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
} as const;

/** Where what the checksum covers begins. */
export const checkedFrom = at.attributes;

const codecMask = 0x07;
const logAppendTime = 0x08;
const transactional = 0x10;
const control = 0x20;

/** One v2 batch, from `start` up to, not including, `end` of the fetched bytes. */
export interface BatchHead {
  start: number;
  end: number;
  checksum: number;
  /** Of the leader that wrote it; no part of what the checksum covers. */
  epoch: number;
  baseOffset: bigint;
  lastOffsetDelta: number;
  codec: number;
  transactional: boolean;
  control: boolean;
  producerId: bigint;
  /** As claimed: nothing was looked at behind the head. */
  count: number;
  /** The broker's one time for all records, or what the records' own times are told from. */
  baseTimeMs: number;
  appendTime: boolean;
}

/** Undefined when the rest of the bytes does not hold the whole batch. @throws MalformedBytes */
export function readHead(bytes: Buffer, start: number): BatchHead | undefined {
  const length = bytes.readInt32BE(start + at.length);
  if (length < headBytes - lengthEnds) throw new MalformedBytes(`a batch claims ${length} bytes`);
  const end = start + lengthEnds + length;
  if (end > bytes.length) return undefined;
  const magic = bytes.readInt8(start + at.magic);
  if (magic !== 2) throw new MalformedBytes(`a batch has format ${magic}; only format 2 is read`);
  const baseOffset = bytes.readBigInt64BE(start);
  const lastOffsetDelta = bytes.readInt32BE(start + at.lastOffsetDelta);
  if (baseOffset < 0n || lastOffsetDelta < 0) throw new MalformedBytes('a batch has a negative offset');
  const attributes = bytes.readInt16BE(start + at.attributes);
  const appendTime = (attributes & logAppendTime) !== 0;
  return {
    start,
    end,
    checksum: bytes.readUInt32BE(start + at.crc),
    epoch: bytes.readInt32BE(start + at.epoch),
    baseOffset,
    lastOffsetDelta,
    codec: attributes & codecMask,
    transactional: (attributes & transactional) !== 0,
    control: (attributes & control) !== 0,
    producerId: bytes.readBigInt64BE(start + at.producerId),
    count: bytes.readInt32BE(start + at.count),
    baseTimeMs: Number(bytes.readBigInt64BE(start + (appendTime ? at.maxTimestamp : at.baseTimestamp))),
    appendTime,
  };
}

/** The offset behind the batch. */
export function endOffset({ baseOffset, lastOffsetDelta }: BatchHead): bigint {
  return baseOffset + BigInt(lastOffsetDelta) + 1n;
}
