import { headBytes, type BatchHead } from './batch-head';
import { ByteReader } from './byte-reader';
import { decompress } from './compression';
import { MalformedBytes } from './errors';
import { FetchedRecord, type KafkaRecord, type RecordSource } from './fetched-record';

export interface RecordPlace {
  topic: string;
  partition: number;
  /** Records before it are cut: a fetch returns whole batches. */
  from: bigint;
  maxInflatedBytes: number;
}

const smallestRecord = 7;

/** Adds the records of a batch from `place.from` on: all of them, or none when it throws. @throws MalformedBytes, InflationLimit */
export function readRecords(bytes: Buffer, batch: BatchHead, place: RecordPlace, into: KafkaRecord[]): void {
  const before = into.length;
  try {
    walk(recordsOf(bytes, batch, place.maxInflatedBytes), batch, place, into);
  } catch (error) {
    into.length = before;
    throw error;
  }
}

function recordsOf(bytes: Buffer, { codec, start, end }: BatchHead, maxInflatedBytes: number): ByteReader {
  const first = start + headBytes;
  if (codec === 0) return new ByteReader(bytes, first, end);
  return new ByteReader(decompress(codec, bytes.subarray(first, end), maxInflatedBytes));
}

function walk(reader: ByteReader, batch: BatchHead, place: RecordPlace, into: KafkaRecord[]): void {
  const { count, baseOffset, baseTimeMs, appendTime, lastOffsetDelta } = batch;
  if (count < 0 || count * smallestRecord > reader.left) throw new MalformedBytes(`a batch claims ${count} records`);
  const { topic, partition } = place;
  const source: RecordSource = { topic, partition, baseOffset, baseTimeMs, bytes: reader.bytes };
  const firstDelta = Number(place.from - baseOffset);
  let lastDelta = -1;
  for (let left = count; left > 0; left -= 1) {
    const length = reader.varint();
    const end = reader.at + length;
    if (length < smallestRecord - 1 || end > reader.end) throw new MalformedBytes(`a record claims ${length} bytes`);
    reader.skip(1);
    const timeDelta = reader.varlong();
    const delta = reader.varint();
    if (delta <= lastDelta || delta > lastOffsetDelta) throw new MalformedBytes('a record stands outside its batch');
    lastDelta = delta;
    if (delta >= firstDelta) into.push(new FetchedRecord(source, delta, appendTime ? 0 : timeDelta, reader.at));
    skipToEnd(reader, end);
  }
  if (reader.left > 0) throw new MalformedBytes(`${reader.left} bytes stand behind the records of a batch`);
}

/** Over key, value and headers: a record whose parts were walked once cannot fail later in someone's hands. */
function skipToEnd(reader: ByteReader, end: number): void {
  skipVarBytes(reader);
  skipVarBytes(reader);
  if (reader.at > end) throw new MalformedBytes('a record is longer than it says');
  const headers = reader.varint();
  if (headers < 0) throw new MalformedBytes('a record has a negative number of headers');
  for (let left = headers; left > 0; left -= 1) {
    reader.skip(reader.varint());
    skipVarBytes(reader);
  }
  if (reader.at !== end) throw new MalformedBytes('a record has another length than it says');
}

function skipVarBytes(reader: ByteReader): void {
  const length = reader.varint();
  if (length > 0) reader.skip(length);
}
