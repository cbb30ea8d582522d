import { parseJson, stringifyJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import type { View } from '@tidegate/policy';
import type { Logger } from '@tidegate/telemetry';
import { isUtf8 } from 'node:buffer';
import type { DeadLetters } from './dead-letters';
import { StreamFormats } from './formats';
import type { StreamMetrics } from './metrics';
import { recordRows, type RecordProblem, type RecordRows } from './record-rows';
import { tenantOfTopic, type ScopedStream } from './scoped-stream';
import { sizeOf, type DecodedRecord, type DecodedRow, type StreamRecord } from './stream-record';

const dayMs = 86_400_000;
/** One line says enough about a producer that has gone wrong; the counter has the rest. */
const badRecordLogMs = 1_000;
const none: readonly DecodedRow[] = [];

/** Keeps the rows of the records decoded last, so that many readers of the same stretch share one parse. */
export class DecodedRows {
  private kept: { record: StreamRecord; decoded: DecodedRecord }[] = [];
  private oldest = 0;
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  add(record: StreamRecord, decoded: DecodedRecord): void {
    record.decoded = decoded;
    this.kept.push({ record, decoded });
    this.bytes += sizeOf(record);
    while (this.bytes > this.maxBytes) this.forget();
    if (this.oldest > 1024 && this.oldest * 2 > this.kept.length) {
      this.kept = this.kept.slice(this.oldest);
      this.oldest = 0;
    }
  }

  private forget(): void {
    const forgotten = this.kept[this.oldest++];
    if (forgotten === undefined) return;
    const { record, decoded } = forgotten;
    // Decoded again since, by another stream over the same topic: those rows have an entry of their own.
    if (record.decoded === decoded) record.decoded = undefined;
    this.bytes -= sizeOf(record);
  }
}

export interface RowDecoderOptions {
  stream: ScopedStream;
  metrics: StreamMetrics;
  logger: Logger;
  decodedRows: DecodedRows;
  /** Where broken records are told of. */
  deadLetters?: Pick<DeadLetters, 'add'> | undefined;
  now: () => number;
}

/** From the records of one stream to what a caller may see of them. */
export class RowDecoder {
  private lastLoggedMs = -Infinity;
  private suppressed = 0;

  private readonly formats: StreamFormats;

  constructor(private readonly options: RowDecoderOptions) {
    this.formats = new StreamFormats(options.stream);
  }

  /** The rows of a record, whoever may see them; none of one that is too old or broken. */
  rows(record: StreamRecord): readonly DecodedRow[] {
    return this.tooOld(record) ? none : this.decode(record).rows;
  }

  /** The row as JSON text (no CR or LF in it), cut to the view; undefined when there is nothing for its callers. */
  text(decoded: DecodedRow, view: Pick<View, 'apply'>): string | undefined {
    const visible = view.apply(decoded.row);
    if (visible === undefined) return undefined;
    if (visible !== decoded.row) return stringifyJson(visible);
    return (decoded.text ??= stringifyJson(decoded.row));
  }

  /**
   * The key of the entity that a tombstone deletes, judged by its last value or else by whose it is; undefined when neither is known, or it
   * is not the callers'.
   */
  goneKey(record: StreamRecord, view: Pick<View, 'apply'>, last?: JsonObject): JsonValue[] | undefined {
    if (this.tooOld(record)) return undefined;
    const row = last ?? this.ownedRow(record);
    return row && this.keyOf(view.apply(row));
  }

  /** The key of what is visible of a row, if all of it is. */
  keyOf(visible: JsonObject | undefined): JsonValue[] | undefined {
    const key = this.options.stream.key.map((field) => visible?.[field]);
    return key.every((part) => part !== undefined) ? key : undefined;
  }

  /** What stands for an entity in memory: equal for its row and for the record that deletes it. */
  identityOfRow(row: JsonObject, { topic }: StreamRecord): string | undefined {
    return identityOf(this.keyOf(row), tenantOfTopic(this.options.stream, topic));
  }

  identityOfKey({ key, topic }: StreamRecord): string | undefined {
    const { stream } = this.options;
    return identityOf(keyParts(key, stream.key.length), tenantOfTopic(stream, topic));
  }

  /** Rows older than this are not shown. */
  get cutoffMs(): number | undefined {
    const { stream, now } = this.options;
    return stream.retentionDays === undefined ? undefined : now() - stream.retentionDays * dayMs;
  }

  tooOld(record: StreamRecord): boolean {
    const cutoffMs = this.cutoffMs;
    return cutoffMs !== undefined && record.timestampMs >= 0 && record.timestampMs < cutoffMs;
  }

  /** As much of a deleted entity as its record says. */
  private ownedRow({ key, owner, topic }: StreamRecord): JsonObject | undefined {
    const { stream } = this.options;
    const parts = keyParts(key, stream.key.length);
    if (owner === undefined || parts === undefined) return undefined;
    if ((tenantOfTopic(stream, topic) ?? owner.tenant) !== owner.tenant) return undefined;
    const row: JsonObject = { [stream.tenant]: owner.tenant };
    if (stream.subject !== undefined && owner.subject !== undefined) row[stream.subject] = owner.subject;
    stream.key.forEach((field, index) => (row[field] = parts[index] ?? null));
    return row;
  }

  private decode(record: StreamRecord): DecodedRecord {
    if (record.decoded?.decoder === this) return record.decoded;
    const { stream } = this.options;
    const { rows, problems } = this.ofTenant(record, recordRows(record, stream, this.formats.of(record.topic)));
    if (problems.length > 0) this.reportBad(record, problems);
    const decoded = { decoder: this, rows };
    this.options.decodedRows.add(record, decoded);
    return decoded;
  }

  /** A topic of one tenant has no rows of another. */
  private ofTenant({ topic }: StreamRecord, found: RecordRows): RecordRows {
    const { stream } = this.options;
    const tenant = tenantOfTopic(stream, topic);
    if (tenant === undefined) return found;
    const rows = found.rows.filter(({ row }) => row[stream.tenant] === tenant);
    const strange = found.rows.length - rows.length;
    const reason = `${stream.tenant}: not the tenant of the topic`;
    return { rows, problems: [...found.problems, ...Array<RecordProblem>(strange).fill({ kind: 'contract', reason })] };
  }

  /**
   * A record that the tail brought is counted and told of once, however many decode it. What is read further back in the log
   * was new once, and is counted only.
   */
  private reportBad(record: StreamRecord, problems: readonly RecordProblem[]): void {
    const { stream, metrics, deadLetters } = this.options;
    const { topic, partition, offset, via } = record;
    const [first] = problems;
    if (record.reported || first === undefined) return;
    record.reported = true;
    for (const { kind } of problems) metrics.badRecords.inc({ topic, kind });
    const reason = problems.length === 1 ? first.reason : `${first.reason} (and ${problems.length - 1} more)`;
    const place = { topic, partition, offset: offset.toString() };
    if (via === 'tail') deadLetters?.add({ ...place, schema: stream.schema, stream: stream.name, reason });
    this.log({ ...place, reason });
  }

  private log(bad: object): void {
    const { logger, now } = this.options;
    if (now() - this.lastLoggedMs < badRecordLogMs) {
      this.suppressed++;
      return;
    }
    logger.warn({ ...bad, alsoSkipped: this.suppressed }, 'skipped a record that breaks its contract');
    this.lastLoggedMs = now();
    this.suppressed = 0;
  }
}

/** Two tenants may use the same key in topics of their own. */
function identityOf(parts: JsonValue[] | undefined, tenant: string | undefined): string | undefined {
  const texts = parts?.map((part) => (typeof part === 'object' ? stringifyJson(part ?? 'null') : String(part)));
  return texts && JSON.stringify(tenant === undefined ? texts : [tenant, ...texts]);
}

/** A key of one part is the record's key; of several, a JSON array of them. */
function keyParts(key: Buffer | null, count: number): JsonValue[] | undefined {
  if (key === null || !isUtf8(key)) return undefined;
  if (count === 1) return [key.toString()];
  try {
    const parts = parseJson(key.toString());
    return Array.isArray(parts) && parts.length === count ? parts : undefined;
  } catch {
    return undefined;
  }
}
