import type { JsonObject } from '@tidegate/contracts';
import type { StreamRecord } from './stream-record';

type Place = Pick<StreamRecord, 'topic' | 'partition' | 'offset'>;

/** One change of a last value: where it stands in the log, and what it took the place of. */
interface Past extends Place {
  /** Topic and partition. */
  log: string;
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
  /** By partition, how many are here. */
  private readonly counts = new Map<string, number>();
  bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Every change from here on will be added. */
  openAt(place: Place): void {
    this.floors.set(logOf(place), place.offset);
  }

  add({ topic, partition, offset }: Place, change: Pick<Past, 'seq' | 'key' | 'before'>, beforeBytes: number): void {
    const log = logOf({ topic, partition });
    const past = { topic, partition, offset, log, ...change, bytes: overheadBytes + beforeBytes };
    this.items.push(past);
    this.counts.set(log, (this.counts.get(log) ?? 0) + 1);
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
    const seen = new Map(positions.map((place) => [logOf(place), place.offset]));
    for (const [log, offset] of seen) {
      const floor = this.floors.get(log);
      if (floor === undefined || offset < floor) return undefined;
    }
    const unseen: Past[] = [];
    // From the newest back, since most readers were here a moment ago.
    const left = new Set([...this.counts.keys()]);
    for (let index = this.items.length - 1; index >= this.first && left.size > 0; index--) {
      const past = this.items[index];
      if (past === undefined || !left.has(past.log)) continue;
      if (past.offset >= (seen.get(past.log) ?? 0n)) unseen.push(past);
      else left.delete(past.log);
    }
    return unseen.reverse();
  }

  clear(): void {
    this.items = [];
    this.first = 0;
    this.bytes = 0;
    this.deleted.clear();
    this.floors.clear();
    this.counts.clear();
  }

  private forgetOldest(): void {
    const past = this.items[this.first];
    if (past === undefined) return;
    this.first++;
    this.bytes -= past.bytes;
    this.deleted.delete(placeOf(past));
    const { log } = past;
    const floor = this.floors.get(log);
    if (floor !== undefined && floor <= past.offset) this.floors.set(log, past.offset + 1n);
    const left = (this.counts.get(log) ?? 1) - 1;
    if (left > 0) this.counts.set(log, left);
    else this.counts.delete(log);
    if (this.first > 1_024 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
  }
}

function logOf({ topic, partition }: Pick<Place, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

function placeOf(place: Place): string {
  return `${logOf(place)}/${place.offset}`;
}
