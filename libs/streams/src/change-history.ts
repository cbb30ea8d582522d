import type { JsonObject } from '@tidegate/contracts';
import type { StreamRecord } from './stream-record';

type Place = Pick<StreamRecord, 'topic' | 'partition' | 'offset'>;

/** One change of a last value: where it stands in the log, and what it took the place of. */
interface Past extends Place {
  seq: number;
  key: string;
  before: JsonObject | undefined;
  bytes: number;
}

/** What an item weighs beside the row that it holds. */
const overheadBytes = 160;

/**
 * What changed lately, with the values from before, up to so many bytes. It tells who comes back what has gone since, and
 * of a delete whose entity it was.
 */
export class ChangeHistory {
  private items: Past[] = [];
  private first = 0;
  private readonly deleted = new Map<string, JsonObject>();
  /** By partition, the offset from which on every change is here. */
  private readonly floors = new Map<string, bigint>();
  bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Every change from here on will be added. */
  openAt(place: Place): void {
    this.floors.set(partitionOf(place), place.offset);
  }

  add({ topic, partition, offset }: Place, change: Pick<Past, 'seq' | 'key' | 'before'>, beforeBytes: number): void {
    const past = { topic, partition, offset, ...change, bytes: overheadBytes + beforeBytes };
    this.items.push(past);
    this.bytes += past.bytes;
    while (this.bytes > this.maxBytes) this.forgetOldest();
  }

  addDelete(place: Place, before: JsonObject): void {
    this.deleted.set(placeOf(place), before);
  }

  /** The entity that a record deleted, as it was then. */
  deletedBy(record: Place): JsonObject | undefined {
    return this.deleted.get(placeOf(record));
  }

  /** The changes that a reader at `positions` has not seen; undefined when not all of them are here. */
  since(positions: readonly Place[]): readonly Readonly<Past>[] | undefined {
    const seen = new Map(positions.map((place) => [partitionOf(place), place.offset]));
    for (const [partition, offset] of seen) {
      const floor = this.floors.get(partition);
      if (floor === undefined || offset < floor) return undefined;
    }
    return this.items.slice(this.first).filter((past) => past.offset >= (seen.get(partitionOf(past)) ?? 0n));
  }

  clear(): void {
    this.items = [];
    this.first = 0;
    this.bytes = 0;
    this.deleted.clear();
    this.floors.clear();
  }

  private forgetOldest(): void {
    const past = this.items[this.first];
    if (past === undefined) return;
    this.first++;
    this.bytes -= past.bytes;
    this.deleted.delete(placeOf(past));
    const partition = partitionOf(past);
    const floor = this.floors.get(partition);
    if (floor !== undefined && floor <= past.offset) this.floors.set(partition, past.offset + 1n);
    if (this.first > 1_024 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
  }
}

function partitionOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

function placeOf(place: Place): string {
  return `${partitionOf(place)}/${place.offset}`;
}
