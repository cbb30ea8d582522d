import type { RangeReader } from '@tidegate/kafka';
import type { StreamLimits } from './limits';
import { Schemas } from './schemas';
import { keepRecords, type StreamRecord } from './stream-record';

/** A stretch of the log: everything committed from `from` up to, not including, `next`. */
export interface RangeBucket {
  from: bigint;
  next: bigint;
  records: StreamRecord[];
  /** What reading it took. */
  readMs: number;
}

/** After a restart many clients resume from nearly the same place within a second or two. */
const keepMs = 2_000;
/** 16 MiB with buckets of 256 KiB. */
const maxKept = 64;
/** A reader this few offsets behind one under way waits for it, since its bucket probably covers both. */
const shareWithin = 256n;

interface Shared {
  place: string;
  from: bigint;
}

interface Reading extends Shared {
  bucket: Promise<RangeBucket>;
}

interface Kept extends Shared {
  bucket: RangeBucket;
  untilMs: number;
}

/** Range reads that readers at the same place share, a few at a time for the whole process. */
export class RangeBuckets {
  private readonly reading = new Set<Reading>();
  private kept: Kept[] = [];
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(
    private readonly ranges: Pick<RangeReader, 'readRange'>,
    private readonly limits: Pick<StreamLimits, 'rangeReads' | 'rangeReadBytes'>,
    private readonly now: () => number,
    private readonly schemas: Schemas = new Schemas(undefined),
  ) {}

  /** A bucket that holds `from`, or an empty one when the log ends there. @throws OffsetOutOfRange, or what the reader throws. */
  async read(topic: string, partition: number, from: bigint, topicId?: string): Promise<RangeBucket> {
    // With the id, since nobody may have been there to hear that the topic was made again.
    const place = `${topic}/${partition}/${topicId}`;
    const nowMs = this.now();
    const kept = this.kept.find((one) => one.place === place && one.untilMs > nowMs && covers(one.bucket, from));
    if (kept !== undefined) return kept.bucket;
    for (const near of this.reading) {
      if (near.place !== place || near.from > from || from - near.from >= shareWithin) continue;
      const bucket = await near.bucket;
      if (near.from === from || covers(bucket, from)) return bucket;
      break;
    }
    return this.start(
      { place, from },
      this.readNow(topic, partition, from, topicId).then((read) => this.equip(topic, read)),
    );
  }

  /** What was read of a partition, or of all, no longer holds. */
  forget(topic: string, partition?: number): void {
    const gone = ({ place }: Shared) => place.startsWith(`${topic}/${partition === undefined ? '' : `${partition}/`}`);
    this.kept = this.kept.filter((one) => !gone(one));
    for (const reading of this.reading) if (gone(reading)) this.reading.delete(reading);
  }

  private start(shared: Shared, bucket: Promise<RangeBucket>): Promise<RangeBucket> {
    const reading = { ...shared, bucket };
    this.reading.add(reading);
    bucket.then(
      (read) => {
        // Not there any more means forgotten meanwhile.
        if (this.reading.delete(reading) && read.next > read.from) this.keep({ ...shared, bucket: read });
      },
      () => this.reading.delete(reading),
    );
    return bucket;
  }

  private keep(read: Omit<Kept, 'untilMs'>): void {
    const nowMs = this.now();
    this.kept = this.kept.filter((one) => one.untilMs > nowMs).slice(-(maxKept - 1));
    this.kept.push({ ...read, untilMs: nowMs + keepMs });
  }

  /** With what its records are decoded with; only those before the first that cannot be, where there are any. */
  private async equip(topic: string, bucket: RangeBucket): Promise<RangeBucket> {
    const { records } = bucket;
    const count = this.schemas.ready(topic, records);
    const first = records[count];
    if (first === undefined) return bucket;
    try {
      await this.schemas.fetch(records);
      return bucket;
    } catch (error) {
      if (count === 0) throw error;
      return { ...bucket, records: records.slice(0, count), next: first.offset };
    }
  }

  private async readNow(topic: string, partition: number, from: bigint, topicId?: string): Promise<RangeBucket> {
    if (this.running >= this.limits.rangeReads) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    const startedMs = this.now();
    try {
      const { records, next } = await this.ranges.readRange(topic, partition, from, this.limits.rangeReadBytes, {
        topicId,
      });
      return { from, next, records: keepRecords(records, 'range'), readMs: this.now() - startedMs };
    } finally {
      const next = this.waiting.shift();
      // The place goes straight to the one who waits, so that nobody slips in between.
      if (next === undefined) this.running--;
      else next();
    }
  }
}

function covers({ from, next }: RangeBucket, offset: bigint): boolean {
  return from <= offset && offset < next;
}
