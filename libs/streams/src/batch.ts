import { stringifyJson } from '@tidegate/contracts';
import type { View } from '@tidegate/policy';
import type { RowDecoder } from './row-decoder';
import type { SessionSink } from './session-sink';
import type { StreamRecord } from './stream-record';
import type { Verdict } from './walk';

/** Rows judged in one go for one session, so that records full of rows for others do not hold up everything else. */
export const maxRowsAtOnce = 2_000;

/** What one view sees of a run of records, written out once for everyone who has that view. */
export class Batch {
  private readonly texts: string[] = [];
  private kind: 'rows' | 'gone' = 'rows';
  private size = 0;
  private judged = 0;

  constructor(
    private readonly decoder: RowDecoder,
    private readonly view: View,
    private readonly maxBytes: number,
  ) {}

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
    return this.size >= this.maxBytes || this.judged >= maxRowsAtOnce ? 'last' : 'take';
  };

  /** Something to give away, or undefined. */
  close(): ((sink: SessionSink, cursor: string) => void) | undefined {
    if (this.texts.length === 0) return undefined;
    const json = `[${this.texts.join(',')}]`;
    const { count, kind } = this;
    return kind === 'rows'
      ? (sink, cursor) => sink.rows(json, count, cursor)
      : (sink, cursor) => sink.gone(json, count, cursor);
  }

  private addRows(record: StreamRecord): void {
    const rows = this.decoder.rows(record);
    for (const row of rows) this.add(this.decoder.text(row, this.view));
    this.judged += Math.max(1, rows.length);
  }

  private addKey(record: StreamRecord): void {
    const key = this.decoder.goneKey(record, this.view);
    this.add(key && stringifyJson(key));
    this.judged++;
  }

  private add(text: string | undefined): void {
    if (text === undefined) return;
    this.texts.push(text);
    this.size += text.length;
  }
}
