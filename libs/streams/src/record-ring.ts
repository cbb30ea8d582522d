import { sizeOf, type StreamRecord } from './stream-record';

/** What all rings of the process may hold together. */
export class RingBudget {
  private readonly rings = new Set<RecordRing>();

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    let sum = 0;
    for (const ring of this.rings) sum += ring.bytes;
    return sum;
  }

  add(ring: RecordRing): void {
    this.rings.add(ring);
  }

  remove(ring: RecordRing): void {
    this.rings.delete(ring);
  }

  /** Takes from the fullest ring until all fit, so that a quiet topic keeps its history beside a busy one. */
  enforce(): void {
    for (let over = this.bytes - this.maxBytes; over > 0;) {
      const [fullest] = [...this.rings].sort((a, b) => b.bytes - a.bytes);
      const before = fullest?.bytes ?? 0;
      if (fullest === undefined || before === 0) return;
      fullest.shrink(Math.max(0, before - over));
      over -= before - fullest.bytes;
    }
  }
}

export interface RingLimits {
  maxRecords: number;
  maxBytes: number;
}

/** The latest records of one partition: everything committed from `start` up to, not including, `next`. */
export class RecordRing {
  private items: (StreamRecord | undefined)[] = [];
  private first = 0;
  bytes = 0;

  constructor(
    private readonly limits: RingLimits,
    public start: bigint,
    public next: bigint = start,
  ) {}

  get size(): number {
    return this.items.length - this.first;
  }

  append(records: readonly StreamRecord[], next: bigint): void {
    for (const record of records) {
      this.items.push(record);
      this.bytes += sizeOf(record);
    }
    this.next = next;
    while (this.size > this.limits.maxRecords) this.evict();
    this.shrink(this.limits.maxBytes);
  }

  shrink(maxBytes: number): void {
    while (this.bytes > maxBytes && this.size > 0) this.evict();
  }

  /** Forgets everything; the log goes on at `next`. */
  reset(next: bigint): void {
    this.items = [];
    this.first = 0;
    this.bytes = 0;
    this.start = next;
    this.next = next;
  }

  /** Records from `from` on, in order. Take no more after anything could have been appended. */
  *from(from: bigint): Generator<StreamRecord, void, undefined> {
    for (let index = this.indexOf(from); index < this.items.length; index++) {
      const record = this.items[index];
      if (record !== undefined) yield record;
    }
  }

  private indexOf(offset: bigint): number {
    let low = this.first;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.items[middle]?.offset ?? 0n) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private evict(): void {
    const oldest = this.items[this.first];
    if (oldest === undefined) return;
    this.items[this.first++] = undefined;
    this.bytes -= sizeOf(oldest);
    this.start = oldest.offset + 1n;
    if (this.first > 1024 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
  }
}
