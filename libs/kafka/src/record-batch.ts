import { AppError } from '@tidegate/errors';
import { ByteReader } from './byte-reader';
import { decompress } from './compression';
import { crc32c } from './crc32c';
import { CorruptRecords, MalformedBytes } from './errors';

/** One record as it stands in the log. `key` and `value` are views of the fetched bytes: copy what you keep for long. */
export interface KafkaRecord {
  topic: string;
  partition: number;
  offset: bigint;
  /** Milliseconds since the epoch as the producer wrote it; −1 when there is none or it cannot be a time. */
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  /** In order, repeats and null values kept; decoded on each call. */
  headers(): [string, Buffer | null][];
}

export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: bigint;
}

export interface RecordSetPlace {
  topic: string;
  partition: number;
  /** Records before it are cut: a fetch returns whole batches. */
  from: bigint;
  aborted: readonly AbortedTransaction[];
  maxInflatedBytes: number;
}

export interface DecodedRecords {
  records: KafkaRecord[];
  /** The offset to read on from: behind every complete batch, also those with nothing to deliver. */
  next: bigint;
  /** Set when a batch behind `records` could not be read; `next` stands before it. */
  corrupt: CorruptRecords | undefined;
}

/** Size of a batch's head, up to its first record. */
const headBytes = 61;
/** Base offset and length stand before what the length counts. */
const lengthEnds = 12;
const smallestRecord = 7;

/** Where the fields of a v2 batch stand (kafka.apache.org/documentation#recordbatch). */
const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
} as const;

const codecMask = 0x07;
const logAppendTime = 0x08;
const transactional = 0x10;
const control = 0x20;

interface Batch {
  start: number;
  end: number;
  baseOffset: bigint;
  lastOffset: bigint;
  attributes: number;
  producerId: bigint;
}

/**
 * Decodes the v2 batches of one partition as a fetch with isolation read_committed returns them: control records, records of aborted
 * transactions and records before `from` are dropped. The broker cuts the last batch where the response is full; that rest is ignored.
 */
export function decodeRecordSet(bytes: Buffer, place: RecordSetPlace): DecodedRecords {
  const decoded: DecodedRecords = { records: [], next: place.from, corrupt: undefined };
  const filter = new TransactionFilter(place.aborted);
  for (let start = 0; start + lengthEnds <= bytes.length;) {
    try {
      const batch = readHead(bytes, start);
      if (!batch) return decoded;
      start = batch.end;
      readBatch(bytes, batch, place, filter, decoded);
    } catch (error) {
      decoded.corrupt = corruptAt(bytes, start, error);
      return decoded;
    }
  }
  return decoded;
}

function readBatch(
  bytes: Buffer,
  batch: Batch,
  place: RecordSetPlace,
  filter: TransactionFilter,
  into: DecodedRecords,
): void {
  if (crc32c(bytes, batch.start + at.attributes, batch.end) !== bytes.readUInt32BE(batch.start + at.crc)) {
    throw new BatchFailure(batch, new MalformedBytes('the checksum of a batch does not match'));
  }
  try {
    // Asked of every batch: a marker before `from` still ends its transaction.
    const passes = filter.passes(batch, bytes);
    if (batch.lastOffset < place.from) return;
    if (passes) readRecords(bytes, batch, place, into.records);
  } catch (error) {
    throw new BatchFailure(batch, error);
  }
  into.next = batch.lastOffset + 1n;
}

/** Undefined when the rest of the bytes does not hold the whole batch. */
function readHead(bytes: Buffer, start: number): Batch | undefined {
  const length = bytes.readInt32BE(start + at.length);
  if (length < headBytes - lengthEnds) throw new MalformedBytes(`a batch claims ${length} bytes`);
  const end = start + lengthEnds + length;
  if (end > bytes.length) return undefined;
  const magic = bytes.readInt8(start + at.magic);
  if (magic !== 2) throw new MalformedBytes(`a batch has format ${magic}; only format 2 is read`);
  const baseOffset = bytes.readBigInt64BE(start);
  const lastOffsetDelta = bytes.readInt32BE(start + at.lastOffsetDelta);
  if (baseOffset < 0n || lastOffsetDelta < 0) throw new MalformedBytes('a batch has a negative offset');
  return {
    start,
    end,
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    attributes: bytes.readInt16BE(start + at.attributes),
    producerId: bytes.readBigInt64BE(start + at.producerId),
  };
}

/** Knows whose transactions are aborted at the batch that is being read (KIP-98). */
class TransactionFilter {
  private readonly waiting: AbortedTransaction[];
  private readonly aborted = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.waiting = [...transactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  passes(batch: Batch, bytes: Buffer): boolean {
    while (this.waiting[0] && this.waiting[0].firstOffset <= batch.lastOffset) {
      this.aborted.add((this.waiting.shift() as AbortedTransaction).producerId);
    }
    if (batch.attributes & control) {
      if (isAbortMarker(bytes, batch)) this.aborted.delete(batch.producerId);
      return false;
    }
    return !(batch.attributes & transactional && this.aborted.has(batch.producerId));
  }
}

/** A control record's key is a version and a type; type 0 aborts. */
function isAbortMarker(bytes: Buffer, batch: Batch): boolean {
  if (bytes.readInt32BE(batch.start + at.count) < 1) return false;
  const reader = new ByteReader(bytes, batch.start + headBytes, batch.end);
  reader.varint();
  reader.skip(1);
  reader.varlong();
  reader.varint();
  return reader.varint() >= 4 && reader.take(4).readInt16BE(2) === 0;
}

function readRecords(bytes: Buffer, batch: Batch, place: RecordSetPlace, into: KafkaRecord[]): void {
  const reader = recordsOf(bytes, batch, place.maxInflatedBytes);
  const count = bytes.readInt32BE(batch.start + at.count);
  if (count < 0 || count * smallestRecord > reader.left) throw new MalformedBytes(`a batch claims ${count} records`);
  const appendTime = (batch.attributes & logAppendTime) !== 0;
  const time = Number(bytes.readBigInt64BE(batch.start + (appendTime ? at.maxTimestamp : at.baseTimestamp)));
  const read: KafkaRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const record = readRecord(reader, batch, place, time, appendTime);
    if (record.offset >= place.from) read.push(record);
  }
  // Only now: a batch is delivered as a whole or not at all.
  for (const record of read) into.push(record);
}

function recordsOf(bytes: Buffer, batch: Batch, maxInflatedBytes: number): ByteReader {
  const start = batch.start + headBytes;
  const codec = batch.attributes & codecMask;
  if (codec === 0) return new ByteReader(bytes, start, batch.end);
  return new ByteReader(decompress(codec, bytes.subarray(start, batch.end), maxInflatedBytes));
}

function readRecord(
  reader: ByteReader,
  batch: Batch,
  place: RecordSetPlace,
  time: number,
  appendTime: boolean,
): KafkaRecord {
  const length = reader.varint();
  const end = reader.at + length;
  if (length < smallestRecord - 1 || end > reader.end) throw new MalformedBytes(`a record claims ${length} bytes`);
  reader.skip(1);
  const timestampDelta = reader.varlong();
  const offset = batch.baseOffset + BigInt(reader.varint());
  const key = varBytes(reader);
  const value = varBytes(reader);
  if (offset < batch.baseOffset || offset > batch.lastOffset)
    throw new MalformedBytes('a record stands outside its batch');
  const headers = checkedHeaders(reader, end);
  const timestampMs = appendTime ? time : time + timestampDelta;
  return new FetchedRecord(place.topic, place.partition, offset, saneTime(timestampMs), key, value, headers);
}

function varBytes(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.take(length);
}

/** Walked now, so that `headers()` cannot fail later in someone's hands; no bytes are kept where there are none. */
function checkedHeaders(reader: ByteReader, end: number): Buffer | undefined {
  const start = reader.at;
  if (start > end) throw new MalformedBytes('a record is longer than it says');
  const count = reader.varint();
  if (count < 0) throw new MalformedBytes('a record has a negative number of headers');
  for (let index = 0; index < count; index += 1) {
    reader.skip(reader.varint());
    varBytes(reader);
  }
  if (reader.at !== end) throw new MalformedBytes('a record has another length than it says');
  return count === 0 ? undefined : reader.bytes.subarray(start, end);
}

function saneTime(timestampMs: number): number {
  return Number.isSafeInteger(timestampMs) && timestampMs >= 0 ? timestampMs : -1;
}

class FetchedRecord implements KafkaRecord {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: bigint,
    readonly timestampMs: number,
    readonly key: Buffer | null,
    readonly value: Buffer | null,
    private readonly headerBytes: Buffer | undefined,
  ) {}

  headers(): [string, Buffer | null][] {
    if (!this.headerBytes) return [];
    const reader = new ByteReader(this.headerBytes);
    const headers: [string, Buffer | null][] = [];
    for (let left = reader.varint(); left > 0; left -= 1) {
      headers.push([reader.take(reader.varint()).toString('utf8'), varBytes(reader)]);
    }
    return headers;
  }
}

/** Carries the batch that failed to where the error is made, so that a reader can be told where to go on. */
class BatchFailure extends Error {
  constructor(
    readonly batch: Batch,
    cause: unknown,
  ) {
    super('a batch failed', { cause });
  }
}

function corruptAt(bytes: Buffer, start: number, error: unknown): CorruptRecords {
  if (error instanceof BatchFailure) {
    const { baseOffset, lastOffset } = error.batch;
    return new CorruptRecords(baseOffset, lastOffset + 1n, AppError.from(error.cause));
  }
  const offset = bytes.readBigInt64BE(start);
  return new CorruptRecords(offset, offset + 1n, AppError.from(error));
}
