import { headBytes, type BatchHead } from './batch-head';
import { ByteReader } from './byte-reader';

export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: bigint;
}

/** Knows whose transactions are aborted at the batch that is being read (KIP-98). */
export class TransactionFilter {
  private readonly waiting: AbortedTransaction[];
  private readonly aborted = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.waiting = [...transactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  /** Asked of every batch in turn, also those before the wanted offset: a marker there still ends its transaction. */
  passes(batch: BatchHead, end: bigint, bytes: Buffer): boolean {
    while (this.waiting[0] && this.waiting[0].firstOffset < end) {
      this.aborted.add((this.waiting.shift() as AbortedTransaction).producerId);
    }
    if (batch.control) {
      if (isAbortMarker(bytes, batch)) this.aborted.delete(batch.producerId);
      return false;
    }
    return !(batch.transactional && this.aborted.has(batch.producerId));
  }
}

/** A control record's key is a version and a type; type 0 aborts. */
function isAbortMarker(bytes: Buffer, batch: BatchHead): boolean {
  if (batch.count < 1) return false;
  const reader = new ByteReader(bytes, batch.start + headBytes, batch.end);
  reader.varint();
  reader.skip(1);
  reader.varlong();
  reader.varint();
  return reader.varint() >= 4 && reader.take(4).readInt16BE(2) === 0;
}
