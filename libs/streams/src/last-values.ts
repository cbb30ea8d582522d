import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { isRawNumber } from '@tidegate/contracts';
import { ByRecency, type Recent } from './by-recency';
import { ChangeHistory } from './change-history';
import type { Follower } from './follower';
import type { StreamMetrics } from './metrics';
import type { RangeBuckets } from './range-buckets';
import type { RowDecoder } from './row-decoder';
import type { DecodedRow, StreamRecord } from './stream-record';
import type { TopicFeed } from './topic-feed';
import { Walk } from './walk';

/** The last value of one entity, and the record that it came with. */
interface LastValue extends Origin {
  row: JsonObject;
  bytes: number;
}

type Origin = Pick<StreamRecord, 'topic' | 'partition' | 'timestampMs'>;

/** What a run of records did to one entity. */
export interface Change {
  seq: number;
  /** What it was before and in between, since a reader may come from a replica that is further on. */
  before: readonly JsonObject[];
  /** undefined: it was deleted. */
  after: DecodedRow | undefined;
}

type Position = readonly (readonly bigint[])[];

export interface LastValuesOptions {
  name: string;
  limits: { maxKeys: number; maxBytes: number };
  feeds: readonly TopicFeed[];
  buckets: RangeBuckets;
  decoder: RowDecoder;
  metrics: StreamMetrics;
  /** Next offsets by source and partition, of everybody who is live: where the values stand once they are loaded. */
  head: () => Position;
  onProgress: () => void;
  /** Loaded: they need no more pumping. */
  onReady: () => void;
  now: () => number;
}

/** Of what the values may weigh together, this part goes to what they were before. */
const historyShare = 1 / 8;
/** Rows that are read in at one go, so that live sessions get their turn in between. */
const maxRowsAtOnce = 500;
/** What an entity weighs beside its row. */
const overheadBytes = 200;

/**
 * The last value of each entity of a stream, for all sessions of the process. Read from the log's start once, then kept at
 * the head where live sessions stand: it is changed by the same runs of records that they are given. Beyond its limits the
 * values that have not changed for longest are given up.
 */
export class LastValues implements Follower {
  /** Of the newest change. Never starts again, so that it may be compared over reloads. */
  version = 0;
  /** Some values were given up. */
  partial = false;
  /** Called when they are loaded. */
  readonly waiting = new Set<() => void>();
  private readonly values = new ByRecency<LastValue>();
  private readonly history: ChangeHistory;
  /** Deletes met while loading: an older value that stands in another partition must not come back. */
  private readonly deleted = new Map<string, Origin>();
  private state: 'idle' | 'loading' | 'ready' = 'idle';
  private walk: Walk | undefined;
  private bytes = 0;
  private measured = { values: 0, bytes: 0 };

  constructor(private readonly options: LastValuesOptions) {
    this.history = new ChangeHistory(options.limits.maxBytes * historyShare);
  }

  get ready(): boolean {
    return this.state === 'ready';
  }

  /** Nobody has asked for them yet. */
  get idle(): boolean {
    return this.state === 'idle';
  }

  /** Begins to read them, unless it has; true when that is to be pumped. */
  load(): boolean {
    if (this.state !== 'idle') return false;
    const { feeds, buckets, now, head, onProgress } = this.options;
    const position = head().map((offsets, source) => offsets.map((_, p) => feeds[source]?.logStarts[p] ?? 0n));
    this.walk = new Walk({ feeds, buckets, position, target: head, onProgress, now });
    this.state = 'loading';
    return true;
  }

  /** Offsets have lost their meaning, or records were missed: everything is read anew. */
  reset(): void {
    this.walk?.end();
    this.walk = undefined;
    this.state = 'idle';
    this.partial = false;
    this.bytes = 0;
    this.values.clear();
    this.history.clear();
    this.deleted.clear();
    this.measure();
  }

  pump(): boolean {
    const { walk } = this;
    if (walk === undefined) return false;
    let judged = 0;
    const scanned = walk.scan((record) => {
      judged += this.take(record);
      return judged >= maxRowsAtOnce ? 'last' : 'take';
    }, maxRowsAtOnce);
    walk.gaps.clear();
    this.measure();
    if (walk.arrived) this.finish(walk);
    return scanned > 0 || this.ready;
  }

  /** What a run of records that brings everybody live to the next head changes, once per entity. */
  apply(records: readonly StreamRecord[]): ReadonlyMap<string, Change> {
    const changes = new Map<string, Change>();
    if (!this.ready) return changes;
    for (const record of records) this.take(record, changes);
    this.measure();
    return changes;
  }

  get(key: string): JsonObject | undefined {
    const value = this.values.get(key);
    return value === undefined || this.tooOld(value) ? undefined : value.row;
  }

  /** The values that changed after a version, the one that did longest ago first. Not to be used further after a change. */
  *since(version: number): Generator<{ seq: number; row: JsonObject | undefined }, void, undefined> {
    for (const { seq, item } of this.values.since(version))
      yield { seq, row: this.tooOld(item) ? undefined : item.row };
  }

  /** The entity that a tombstone deleted, as it was then; undefined when that is not known. */
  deletedBy(record: StreamRecord): JsonObject | undefined {
    return this.history.deletedBy(record);
  }

  /** What happened after a position: from which version on, and what was replaced then; undefined when not all is known. */
  changesAfter(position: Position): { version: number; replaced: Map<string, JsonObject[]> } | undefined {
    if (!this.ready) return undefined;
    const places = this.options.feeds.flatMap(({ topic }, source) =>
      (position[source] ?? []).map((offset, partition) => ({ topic, partition, offset })),
    );
    const changes = this.history.since(places);
    if (changes === undefined) return undefined;
    const replaced = new Map<string, JsonObject[]>();
    for (const { key, before } of changes) {
      if (before !== undefined) replaced.set(key, [...(replaced.get(key) ?? []), before]);
    }
    return { version: (changes[0]?.seq ?? this.version + 1) - 1, replaced };
  }

  /** Forgets everything; it is loaded again when somebody asks for it. */
  fail(): void {
    this.reset();
  }

  end(): void {
    this.reset();
  }

  onReset(): void {
    // The channel resets it, loading or not.
  }

  onPartition(source: number, partition: number, start: bigint): void {
    this.walk?.jump(source, partition, start);
    const topic = this.options.feeds[source]?.topic;
    if (this.ready && topic !== undefined) this.history.openAt({ topic, partition, offset: start });
  }

  trim(source: number, partitions: number): void {
    this.walk?.trim(source, partitions);
  }

  private finish(walk: Walk): void {
    walk.end();
    this.walk = undefined;
    this.state = 'ready';
    this.deleted.clear();
    this.options.onReady();
    for (const wake of [...this.waiting]) wake();
    // Compaction takes values out of the log, so what was read says nothing of what a reader had before.
    this.options.feeds.forEach(({ topic }, source) => {
      walk.position[source]?.forEach((offset, partition) => this.history.openAt({ topic, partition, offset }));
    });
  }

  /** Returns how many rows that was. */
  private take(record: StreamRecord, changes?: Map<string, Change>): number {
    if (record.value === null) {
      this.remove(record, changes);
      return 1;
    }
    const rows = this.options.decoder.rows(record);
    for (const row of rows) this.put(record, row, changes);
    return Math.max(1, rows.length);
  }

  private put(record: StreamRecord, decoded: DecodedRow, changes?: Map<string, Change>): void {
    const key = this.options.decoder.identityOfRow(decoded.row, record);
    if (key === undefined || this.isOvertaken(key, record)) return;
    const bytes = overheadBytes + key.length + weightOf(decoded.row);
    const before = this.change(key, record, decoded, changes);
    this.bytes += bytes - (before?.bytes ?? 0);
    this.values.set(key, { ...originOf(record), row: decoded.row, bytes }, this.version);
    while (this.overLimits()) this.giveUpOldest();
  }

  private remove(record: StreamRecord, changes?: Map<string, Change>): void {
    const key = this.options.decoder.identityOfKey(record);
    if (key === undefined || this.isOvertaken(key, record)) return;
    if (!this.ready) this.deleted.set(key, originOf(record));
    if (this.values.get(key) === undefined) return;
    const before = this.change(key, record, undefined, changes);
    this.values.delete(key);
    this.bytes -= before?.bytes ?? 0;
    if (before !== undefined) this.history.addDelete(record, before.row);
  }

  /** Notes it for those who come back, for tombstones and, of a run, for those who are live. */
  private change(
    key: string,
    record: StreamRecord,
    after: DecodedRow | undefined,
    changes?: Map<string, Change>,
  ): LastValue | undefined {
    const before = this.values.get(key);
    const seq = ++this.version;
    if (this.ready || after === undefined) {
      this.history.add(record, { seq, key, before: before?.row }, before?.bytes ?? 0);
    }
    if (changes !== undefined) {
      const earlier = changes.get(key)?.before ?? [];
      // In the order in which they changed last.
      changes.delete(key);
      changes.set(key, { seq, before: before === undefined ? earlier : [...earlier, before.row], after });
    }
    return before;
  }

  /** Within a partition the log's order counts; where a key stands in several, the time does. */
  private isOvertaken(key: string, record: StreamRecord): boolean {
    const known: Origin | undefined = this.values.get(key) ?? this.deleted.get(key);
    if (known === undefined) return false;
    if (known.topic === record.topic && known.partition === record.partition) return false;
    return record.timestampMs < known.timestampMs;
  }

  private overLimits(): boolean {
    const { maxKeys, maxBytes } = this.options.limits;
    return this.values.size > 0 && (this.values.size > maxKeys || this.bytes + this.history.bytes > maxBytes);
  }

  private giveUpOldest(): void {
    const oldest: Recent<LastValue> | undefined = this.values.oldest();
    if (oldest === undefined) return;
    this.values.delete(oldest.key);
    this.bytes -= oldest.item.bytes;
    this.partial = true;
    this.options.metrics.lastValuesGivenUp.inc({ stream: this.options.name });
  }

  private tooOld({ timestampMs }: LastValue): boolean {
    const { cutoffMs } = this.options.decoder;
    return cutoffMs !== undefined && timestampMs >= 0 && timestampMs < cutoffMs;
  }

  private measure(): void {
    const { name, metrics } = this.options;
    const now = { values: this.values.size, bytes: this.bytes + this.history.bytes };
    // Those of other tenants, or of what the stream was before, stand beside them.
    metrics.lastValues.inc({ stream: name }, now.values - this.measured.values);
    metrics.lastValueBytes.inc({ stream: name }, now.bytes - this.measured.bytes);
    this.measured = now;
  }
}

/** Not the record itself, which would keep the bytes of its neighbours. */
function originOf({ topic, partition, timestampMs }: StreamRecord): Origin {
  return { topic, partition, timestampMs };
}

/** What a value takes in memory, roughly: characters of one byte, and eight for every number and reference. */
function weightOf(value: JsonValue): number {
  if (typeof value === 'string') return 24 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (isRawNumber(value)) return 64;
  const parts = Array.isArray(value) ? value : Object.values(value);
  return parts.reduce<number>((sum, part) => sum + 8 + weightOf(part), 40);
}
