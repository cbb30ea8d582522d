import type { AppError } from '@tidegate/errors';
import { CorruptRecords, OffsetOutOfRange } from '@tidegate/kafka';
import type { RangeBucket, RangeBuckets } from './range-buckets';
import type { GapReason } from './session-sink';
import type { StreamRecord } from './stream-record';
import type { TopicFeed } from './topic-feed';
import { unreadable } from './unreadable';

/** Reads of one reader at a time; more would let one client with many partitions crowd out the others. */
const maxReads = 2;
const retryMs = 1_000;

export interface WalkOptions {
  feeds: readonly TopicFeed[];
  buckets: RangeBuckets;
  /** Next offsets by source and partition; the walk moves them. */
  position: bigint[][];
  /** How far to go: next offsets by source and partition. */
  target: () => readonly (readonly bigint[])[];
  /** Called when a read has brought something, or failed. */
  onProgress: () => void;
  now: () => number;
}

/** `take` consumes the record and goes on; `last` consumes it and ends the scan; `leave` ends the scan before it. */
export type Verdict = 'take' | 'last' | 'leave';

/** One pass of a walk. */
interface Scan {
  visit: (record: StreamRecord) => Verdict;
  maxRecords: number;
  /** Records consumed so far. */
  scanned: number;
  stopped: boolean;
}

type Read = RangeBucket | 'reading' | { retryAtMs: number };

/** One reader that is behind: goes through rings and, below them, range reads, each partition at its own pace. */
export class Walk {
  readonly position: bigint[][];
  /** What could not be had since they were last taken. */
  readonly gaps = new Set<GapReason>();
  /** Milliseconds of reading so far, waiting for a place not counted. */
  readMs = 0;
  /** Why a partition below the ring cannot be read at the moment. */
  failure: AppError | undefined;
  private readonly reads = new Map<string, Read>();
  private readonly corrupt = new Map<string, bigint>();
  private reading = 0;
  private turn = 0;
  private ended = false;

  constructor(private readonly options: WalkOptions) {
    this.position = options.position;
  }

  /** Whether every partition stands exactly at the target. */
  get arrived(): boolean {
    const target = this.options.target();
    return this.position.every((offsets, source) => offsets.every((offset, p) => offset === target[source]?.[p]));
  }

  /** Whether a partition is still short of the target. */
  get behind(): boolean {
    const target = this.options.target();
    return this.position.some((offsets, source) => offsets.some((offset, p) => offset < (target[source]?.[p] ?? 0n)));
  }

  /** Goes through what is at hand and asks for what is not; returns how many records it consumed. */
  scan(visit: (record: StreamRecord) => Verdict, maxRecords: number): number {
    const scan: Scan = { visit, maxRecords, scanned: 0, stopped: false };
    const places = this.places();
    // Another partition begins each time, so that a busy one does not keep the others waiting.
    const first = this.turn++;
    for (let index = 0; index < places.length && !scan.stopped; index++) {
      const [source, partition] = places[(first + index) % places.length] ?? [0, 0];
      this.scanPartition(source, partition, scan);
    }
    return scan.scanned;
  }

  /** The log of a partition changed under the reader: it goes on at `next`. */
  jump(source: number, partition: number, next: bigint, reason?: GapReason): void {
    // A topic may have become a source a moment ago.
    const offsets = (this.position[source] ??= []);
    offsets[partition] = next;
    this.reads.delete(placeOf(source, partition));
    if (reason !== undefined) this.gaps.add(reason);
  }

  /** A topic that was made again with fewer partitions has lost the last ones. */
  trim(source: number, partitions: number): void {
    this.position[source]?.splice(partitions);
  }

  end(): void {
    this.ended = true;
    this.reads.clear();
  }

  private places(): [number, number][] {
    return this.position.flatMap((offsets, source) =>
      offsets.map((_, partition): [number, number] => [source, partition]),
    );
  }

  private scanPartition(source: number, partition: number, scan: Scan): void {
    while (!scan.stopped) {
      const from = this.position[source]?.[partition] ?? 0n;
      const target = this.options.target()[source]?.[partition] ?? 0n;
      const ring = this.options.feeds[source]?.rings[partition];
      if (from >= target || ring === undefined) return;
      if (from >= ring.start) {
        this.reads.delete(placeOf(source, partition));
        this.consume(source, partition, ring.from(from), smaller(ring.next, target), scan);
        return;
      }
      const bucket = this.bucket(source, partition, from);
      if (bucket === undefined) return;
      this.consume(source, partition, bucket.records, smaller(bucket.next, target), scan);
      if (!scan.stopped) this.reads.delete(placeOf(source, partition));
    }
  }

  private consume(source: number, partition: number, records: Iterable<StreamRecord>, end: bigint, scan: Scan): void {
    const offsets = this.position[source] ?? [];
    const from = offsets[partition] ?? 0n;
    for (const record of records) {
      if (record.offset < from) continue;
      if (record.offset >= end) break;
      const verdict = scan.scanned >= scan.maxRecords ? 'leave' : scan.visit(record);
      if (verdict !== 'leave') {
        offsets[partition] = record.offset + 1n;
        scan.scanned++;
      }
      if (verdict !== 'take') {
        scan.stopped = true;
        return;
      }
    }
    // Holes, transaction markers and aborted records behind the last one are passed as well.
    offsets[partition] = end;
  }

  /** The bucket at hand for a position, or undefined while it is being read. */
  private bucket(source: number, partition: number, from: bigint): RangeBucket | undefined {
    const place = placeOf(source, partition);
    const read = this.reads.get(place);
    if (read === 'reading') return undefined;
    if (read !== undefined && 'records' in read) return read;
    if (read !== undefined && this.options.now() < read.retryAtMs) return undefined;
    const feed = this.options.feeds[source];
    if (feed === undefined || this.reading >= maxReads || this.ended) return undefined;
    this.reads.set(place, 'reading');
    this.reading++;
    void this.read(feed, source, partition, from);
    return undefined;
  }

  private async read(feed: TopicFeed, source: number, partition: number, from: bigint): Promise<void> {
    const place = placeOf(source, partition);
    // A jump meanwhile makes the answer one about another place.
    const wanted = () =>
      !this.ended && this.reads.get(place) === 'reading' && this.position[source]?.[partition] === from;
    try {
      const bucket = await this.options.buckets.read(feed.topic, partition, from, feed.topicId);
      this.readMs += bucket.readMs;
      this.failure = undefined;
      if (wanted()) this.reads.set(place, bucket.next > from ? bucket : this.later());
    } catch (error) {
      if (wanted()) this.fail(source, partition, error);
    } finally {
      this.reading--;
      if (!this.ended) this.options.onProgress();
    }
  }

  private fail(source: number, partition: number, error: unknown): void {
    if (error instanceof OffsetOutOfRange) {
      if (error.kind === 'gap') this.jump(source, partition, error.logStart, 'retention');
      else this.jump(source, partition, error.end, 'truncated');
      return;
    }
    const place = placeOf(source, partition);
    if (error instanceof CorruptRecords && this.corrupt.get(place) === error.offset) {
      // Twice the same: it is the log that is broken, not the way here. The tail passes over it in the same way.
      this.jump(source, partition, error.next, 'truncated');
      return;
    }
    if (error instanceof CorruptRecords) this.corrupt.set(place, error.offset);
    this.failure = unreadable(error);
    this.reads.set(place, this.later());
  }

  private later(): { retryAtMs: number } {
    return { retryAtMs: this.options.now() + retryMs };
  }
}

function placeOf(source: number, partition: number): string {
  return `${source}/${partition}`;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
