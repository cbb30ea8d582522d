import { parseJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import type { GapReason } from './session-sink';
import { HeardSink } from './stream-fixture';

/** A client of mode=latest that keeps what it has been given: after a gap, a whole snapshot comes. */
export class Screen extends HeardSink {
  readonly rowsById = new Map<string, JsonObject>();

  override rows(json: string, count: number, cursor: string): void {
    for (const row of parseJson(json) as JsonObject[]) this.rowsById.set(row['orderId'] as string, row);
    super.rows(json, count, cursor);
  }

  override gone(json: string, count: number, cursor: string): void {
    for (const [id] of parseJson(json) as JsonValue[][]) this.rowsById.delete(id as string);
    super.gone(json, count, cursor);
  }

  override gap(reason: GapReason, cursor: string): void {
    if (reason !== 'snapshot-limit') this.rowsById.clear();
    super.gap(reason, cursor);
  }

  /** `id:status` of all rows, by id. */
  get shows(): string[] {
    return [...this.rowsById].map(([id, row]) => `${id}:${row['status'] as string}`).sort();
  }
}
