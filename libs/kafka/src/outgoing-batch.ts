import { AppError } from '@tidegate/errors';
import type { Compression } from './compression';
import type { PendingRecord } from './pending-record';
import { encodeRecordBatch, type BatchIdentity } from './record-batch-encoder';

/**
 * Records of one partition on their way together. Once a try may have been written, the same bytes are sent again, from which the broker
 * knows them; as long as every try was surely refused, the batch is made anew from the records that are still wanted.
 */
export class OutgoingBatch {
  private inFlight = false;
  private unclear = false;
  private sealed: Buffer | undefined;

  constructor(
    public records: PendingRecord[],
    readonly bytes: number,
  ) {
    for (const record of records) record.batch = this;
  }

  /** Whether its records may stand in the log, so that nobody can call them unwritten. */
  get mayStand(): boolean {
    return this.inFlight || this.unclear;
  }

  get sealedBytes(): number {
    return this.sealed?.length ?? 0;
  }

  /** Drops the records whose callers were told otherwise, unless their bytes may stand already. False when nobody waits any more. */
  isWanted(nowMs: number): boolean {
    let wanted = 0;
    for (const record of this.records) if (!record.expire(nowMs)) wanted += 1;
    const frozen = this.mayStand && this.sealed !== undefined;
    if (wanted < this.records.length && !frozen) {
      this.records = this.records.filter(({ settled }) => !settled);
      this.sealed = undefined;
    }
    return wanted > 0;
  }

  /** To be called when the bytes are about to leave. */
  seal(identity: BatchIdentity, compression: Compression): Buffer {
    this.sealed ??= encodeRecordBatch(this.records, identity, compression);
    this.inFlight = true;
    return this.sealed;
  }

  onTryFailed(written: 'no' | 'maybe'): void {
    this.inFlight = false;
    if (written === 'maybe') this.unclear = true;
  }

  /** The next bytes are new ones: the broker does not take these. */
  unseal(): void {
    this.sealed = undefined;
  }

  succeed(topic: string, partition: number, baseOffset: bigint, nowMs: number): void {
    const { records } = this;
    const base = Number(baseOffset);
    const exact = base >= 0 && Number.isSafeInteger(base + records.length);
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as PendingRecord;
      // Never success after the deadline, even if the sweep has not come by yet.
      if (nowMs >= record.deadlineMs && record.expire(nowMs)) continue;
      record.succeed({ topic, partition, offset: exact ? String(base + index) : offsetOf(baseOffset, index) });
    }
  }

  fail(error: AppError): void {
    const { code, message } = error;
    const told = this.mayStand ? new AppError(code, message, { cause: error, outcome: 'unknown' }) : error;
    for (const record of this.records) record.fail(told);
  }
}

/** Of a batch whose place is not known, no record has one. */
function offsetOf(baseOffset: bigint, index: number): string {
  return String(baseOffset < 0n ? unknownOffset : baseOffset + BigInt(index));
}

const unknownOffset = -1n;
