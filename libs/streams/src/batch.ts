import { stringifyJson } from '@tidegate/contracts';
import type { View } from '@tidegate/policy';
import type { RowDecoder } from './row-decoder';
import type { SessionSink } from './session-sink';
import type { StreamRecord } from './stream-record';
import type { Verdict } from './walk';

/** What one view sees of a run of records, written out once for everyone who has that view. */
export class Batch {
  private readonly texts: string[] = [];
  private kind: 'rows' | 'gone' = 'rows';
  private size = 0;

  constructor(
    private readonly decoder: RowDecoder,
    private readonly view: View,
    private readonly maxBytes: number,
  ) {}

  get count(): number {
    return this.texts.length;
  }

  /** Rows and deletes go in separate batches, since their order matters where they are about one entity. */
  readonly visit = (record: StreamRecord): Verdict => {
    const kind = record.value === null ? 'gone' : 'rows';
    if (kind !== this.kind && this.texts.length > 0) return 'leave';
    this.kind = kind;
    const text = this.textOf(record);
    if (text === undefined) return 'take';
    this.texts.push(text);
    this.size += text.length;
    return this.size >= this.maxBytes ? 'last' : 'take';
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

  private textOf(record: StreamRecord): string | undefined {
    if (record.value !== null) return this.decoder.text(record, this.view);
    const key = this.decoder.goneKey(record, this.view);
    return key === undefined ? undefined : stringifyJson(key);
  }
}
