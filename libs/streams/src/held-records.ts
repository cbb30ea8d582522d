import { AppError } from '@tidegate/errors';
import { setTimeout as delay } from 'node:timers/promises';
import { sizeOf, type StreamRecord } from './stream-record';

interface Held {
  records: readonly StreamRecord[];
  /** The position after them. */
  next: bigint;
  bytes: number;
}

export interface HeldRecordsOptions {
  /** How many of the records, from the first on, can be decoded. */
  ready: (records: readonly StreamRecord[]) => number;
  /** Makes all of them so. @throws AppError `unavailable`: try again */
  fetch: (records: readonly StreamRecord[]) => Promise<void>;
  pass: (partition: number, records: readonly StreamRecord[], next: bigint) => void;
  /** More than may wait did: all was dropped, and whoever wants it reads it from the log. */
  skip: (partition: number, next: bigint) => void;
  maxBytes: number;
}

const retryMs = 1_000;

/** Records of a tail that wait for their schemas, in the order of their partition; others pass at once. */
export class HeldRecords {
  /** Why they still wait. */
  reason: string | undefined;
  private readonly queues = new Map<number, Held[]>();
  private bytes = 0;
  private closed = false;

  constructor(private readonly options: HeldRecordsOptions) {}

  take(partition: number, records: readonly StreamRecord[], next: bigint): void {
    const { ready, pass } = this.options;
    const queue = this.queues.get(partition);
    const count = queue === undefined ? ready(records) : 0;
    const first = records[count];
    if (first === undefined && queue === undefined) return pass(partition, records, next);
    if (count > 0 && first !== undefined) pass(partition, records.slice(0, count), first.offset);
    this.hold(partition, records.slice(count), next);
  }

  /** The log of the partition is another one now. */
  forget(partition: number): void {
    for (const { bytes } of this.queues.get(partition) ?? []) this.bytes -= bytes;
    this.queues.delete(partition);
    if (this.queues.size === 0) this.reason = undefined;
  }

  close(): void {
    this.closed = true;
  }

  private hold(partition: number, records: readonly StreamRecord[], next: bigint): void {
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
    const queue = this.queues.get(partition);
    this.bytes += bytes;
    if (queue === undefined) {
      const started = [{ records, next, bytes }];
      this.queues.set(partition, started);
      void this.drain(partition, started);
    } else {
      queue.push({ records, next, bytes });
    }
    if (this.bytes > this.options.maxBytes) this.skipAll();
  }

  /** All at once: with little room left, one partition after the other would be skipped at each of its records. */
  private skipAll(): void {
    for (const [partition, queue] of [...this.queues]) {
      const last = queue.at(-1);
      this.forget(partition);
      if (last !== undefined) this.options.skip(partition, last.next);
    }
  }

  private async drain(partition: number, queue: Held[]): Promise<void> {
    const isOver = () => this.closed || this.queues.get(partition) !== queue;
    while (!isOver()) {
      const first = queue[0];
      if (first === undefined) return this.forget(partition);
      const reason = await this.fetch(first.records);
      if (isOver()) return;
      this.reason = reason;
      if (reason !== undefined) {
        await delay(retryMs, undefined, { ref: false });
        continue;
      }
      queue.shift();
      this.bytes -= first.bytes;
      // Nothing that comes meanwhile may overtake them, so the queue stays until it is empty.
      this.options.pass(partition, first.records, first.next);
    }
  }

  /** Why not all of them can be decoded yet. */
  private async fetch(records: readonly StreamRecord[]): Promise<string | undefined> {
    try {
      await this.options.fetch(records);
      return undefined;
    } catch (error) {
      return AppError.from(error).message;
    }
  }
}
