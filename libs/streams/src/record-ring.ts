import { sizeOf, type StreamRecord } from './stream-record';

/** What all rings of the process may hold together. */
export class RingBudget {
  private readonly rings = new Set<RecordRing>();
  /** What all rings hold. */
  bytes = 0;

  constructor(private readonly maxBytes: number) {}

  add(ring: RecordRing): void {
    this.rings.add(ring);
    this.bytes += ring.bytes;
  }

  remove(ring: RecordRing): void {
    if (this.rings.delete(ring)) this.bytes -= ring.bytes;
  }

  /** Called by a ring when it has grown or shrunk. Takes from the fullest, so that a quiet topic keeps its history beside a busy one. */
  changed(ring: RecordRing, bytes: number): void {
    if (!this.rings.has(ring)) return;
    this.bytes += bytes;
    if (bytes > 0 && this.bytes > this.maxBytes) this.fullest()?.shrinkBy(this.bytes - this.maxBytes);
  }

  private fullest(): RecordRing | undefined {
    let fullest: RecordRing | undefined;
    for (const ring of this.rings) if (ring.bytes > (fullest?.bytes ?? 0)) fullest = ring;
    return fullest;
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
  next: bigint;

  constructor(
    private readonly limits: RingLimits,
    private readonly budget: RingBudget,
    public start: bigint,
  ) {
    this.next = start;
    budget.add(this);
  }

  get size(): number {
    return this.items.length - this.first;
  }

  append(records: readonly StreamRecord[], next: bigint): void {
    const before = this.bytes;
    for (const record of records) {
      this.items.push(record);
      this.bytes += sizeOf(record);
    }
    this.next = next;
    while (this.size > this.limits.maxRecords || this.bytes > this.limits.maxBytes) this.evict();
    this.budget.changed(this, this.bytes - before);
  }

  /** Gives up the oldest records, at least so many bytes of them if there are as many. */
  shrinkBy(bytes: number): void {
    const before = this.bytes;
    while (before - this.bytes < bytes && this.size > 0) this.evict();
    this.budget.changed(this, this.bytes - before);
  }

  /** Forgets everything; the log goes on at `next`. */
  reset(next: bigint): void {
    this.budget.changed(this, -this.bytes);
    this.items = [];
    this.first = 0;
    this.bytes = 0;
    this.start = next;
    this.next = next;
  }

  /** Its records no longer count; it is not used again. */
  close(): void {
    this.budget.remove(this);
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
