import { stringifyJson, type JsonObject } from '@tidegate/contracts';
import type { RowDecoder } from './row-decoder';
import type { SessionSink } from './session-sink';
import type { Sight } from './sight';
import type { StreamRecord } from './stream-record';
import type { Verdict } from './walk';

/** Rows judged in one go for one session, so that records full of rows for others do not hold up everything else. */
export const maxRowsAtOnce = 2_000;

export type Delivery = (sink: SessionSink, cursor: string) => void;

export interface BatchOptions {
  decoder: RowDecoder;
  sight: Sight;
  maxBytes: number;
  /** The entity that a tombstone deleted, where the stream keeps last values. */
  deletedBy: (record: StreamRecord) => JsonObject | undefined;
}

/** What one view sees of a run of records, written out once for everyone who has that view. */
export class Batch {
  private readonly texts: string[] = [];
  private kind: 'rows' | 'gone' = 'rows';
  private size = 0;
  private judged = 0;

  constructor(private readonly options: BatchOptions) {}

  get count(): number {
    return this.texts.length;
  }

  /** Rows that were looked at and are not for this view. */
  get heldBack(): number {
    return this.judged - this.count;
  }

  /** Rows and deletes go in separate batches, since their order matters where they are about one entity. */
  readonly visit = (record: StreamRecord): Verdict => {
    const kind = record.value === null ? 'gone' : 'rows';
    if (kind !== this.kind && this.texts.length > 0) return 'leave';
    this.kind = kind;
    if (kind === 'rows') this.addRows(record);
    else this.addKey(record);
    return this.size >= this.options.maxBytes || this.judged >= maxRowsAtOnce ? 'last' : 'take';
  };

  /** Something to give away, or undefined. */
  close(): Delivery | undefined {
    return deliveryOf(this.kind, this.texts);
  }

  private addRows(record: StreamRecord): void {
    const { decoder, sight } = this.options;
    const rows = decoder.rows(record);
    for (const row of rows) this.add(decoder.text(row, sight));
    this.judged += Math.max(1, rows.length);
  }

  /** A filter is not asked: the reader may have got an earlier value that it let through. */
  private addKey(record: StreamRecord): void {
    const { decoder, sight, deletedBy } = this.options;
    const key = decoder.goneKey(record, sight.unfiltered, deletedBy(record));
    this.add(key && stringifyJson(key));
    this.judged++;
  }

  private add(text: string | undefined): void {
    if (text === undefined) return;
    this.texts.push(text);
    this.size += text.length;
  }
}

/** The texts of rows or keys as something to give to a sink; undefined when there are none. */
export function deliveryOf(kind: 'rows' | 'gone', texts: readonly string[]): Delivery | undefined {
  if (texts.length === 0) return undefined;
  const json = `[${texts.join(',')}]`;
  const count = texts.length;
  return kind === 'rows'
    ? (sink, cursor) => sink.rows(json, count, cursor)
    : (sink, cursor) => sink.gone(json, count, cursor);
}
