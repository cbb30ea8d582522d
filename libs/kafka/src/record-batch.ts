import { AppError } from '@tidegate/errors';
import { checkedFrom, endOffset, lengthEnds, readHead, type BatchHead } from './batch-head';
import { readRecords, type RecordPlace } from './batch-records';
import { crc32c } from './crc32c';
import { CorruptRecords, MalformedBytes } from './errors';
import type { KafkaRecord } from './fetched-record';
import { TransactionFilter, type AbortedTransaction } from './transaction-filter';

export type RecordSetPlace = RecordPlace & { aborted: readonly AbortedTransaction[] };

export interface DecodedRecords {
  records: KafkaRecord[];
  /** The offset to read on from: behind every complete batch, also those with nothing to deliver. */
  next: bigint;
  /** Under which leader what stands before `next` was written; undefined when nothing was read. */
  epoch: number | undefined;
  /** Set when a batch behind `records` could not be read; `next` stands before it. */
  corrupt: CorruptRecords | undefined;
}

const maxOffset = 2n ** 63n - 1n;

/**
 * Decodes the v2 batches of one partition as a fetch with isolation read_committed returns them: control records, records of aborted
 * transactions and records before `from` are dropped. The broker cuts the last batch where the response is full; that rest is ignored.
 */
export function decodeRecordSet(bytes: Buffer, place: RecordSetPlace): DecodedRecords {
  const decoded: DecodedRecords = { records: [], next: place.from, epoch: undefined, corrupt: undefined };
  const filter = new TransactionFilter(place.aborted);
  let behind = 0n;
  for (let start = 0; start + lengthEnds <= bytes.length;) {
    let batch: BatchHead | undefined;
    try {
      batch = readHead(bytes, start);
      if (!batch) return decoded;
      if (batch.baseOffset < behind) throw new MalformedBytes('a batch stands before the one that it follows');
      behind = endOffset(batch);
      readBatch(bytes, batch, behind, place, filter, decoded);
      start = batch.end;
    } catch (error) {
      decoded.corrupt = corruptAt(bytes, start, batch, decoded.next, error);
      return decoded;
    }
  }
  return decoded;
}

function readBatch(
  bytes: Buffer,
  batch: BatchHead,
  end: bigint,
  place: RecordSetPlace,
  filter: TransactionFilter,
  into: DecodedRecords,
): void {
  if (crc32c(bytes, batch.start + checkedFrom, batch.end) !== batch.checksum) {
    throw new MalformedBytes('the checksum of a batch does not match');
  }
  const passes = filter.passes(batch, end, bytes);
  if (end <= place.from) return;
  if (passes) readRecords(bytes, batch, place, into.records);
  into.next = end;
  into.epoch = batch.epoch;
}

/** Reading goes on behind the batch, if its head can be believed: never further back, so that nobody reads the same batch for ever. */
function corruptAt(
  bytes: Buffer,
  start: number,
  batch: BatchHead | undefined,
  next: bigint,
  error: unknown,
): CorruptRecords {
  const offset = bytes.readBigInt64BE(start);
  const behind = batch ? endOffset(batch) : offset + 1n;
  return new CorruptRecords(offset, behind > next && behind <= maxOffset ? behind : next + 1n, AppError.from(error));
}
