import { stringifyJson, type JsonObject } from '@tidegate/contracts';
import { Batch, deliveryOf, type Delivery } from './batch';
import { ByRecency } from './by-recency';
import type { Change, LastValues } from './last-values';
import type { RowDecoder } from './row-decoder';
import type { RowCounts } from './row-tally';
import type { GapReason } from './session-sink';
import type { Sight } from './sight';
import type { StreamRecord } from './stream-record';
import type { StreamSession } from './stream-session';

/** What left a view while somebody is behind; beyond it, those who are get all values anew. */
const maxLeft = 100_000;

/** Records that go out together, and what they did to the stream's last values. */
export interface JudgedRun {
  records: readonly StreamRecord[];
  changes: ReadonlyMap<string, Change>;
  /** The version of the last values before them. */
  version: number;
}

/** What goes out once everybody stands after the run. */
export interface Outgoing {
  /** As those it is for know it. */
  stream: string;
  give: Delivery;
  count: number;
  to: readonly StreamSession[];
}

/** Live sessions that see the same, in one mode. */
export interface ViewGroup {
  readonly live: Set<StreamSession>;
  /** Of all runs since the group came to be. */
  readonly counts: RowCounts;
  readonly empty: boolean;
  /** Called while the head still is before the run. Those who cannot take more stay there. */
  judge(run: JudgedRun): Outgoing | undefined;
}

/** Those who get every row. */
export class EventGroup implements ViewGroup {
  readonly live = new Set<StreamSession>();
  readonly counts: RowCounts = { given: 0, heldBack: 0 };

  constructor(
    private readonly sight: Sight,
    private readonly decoder: RowDecoder,
    private readonly lastValues: LastValues | undefined,
  ) {}

  get empty(): boolean {
    return this.live.size === 0;
  }

  judge({ records }: JudgedRun): Outgoing | undefined {
    const { decoder, sight, lastValues } = this;
    const deletedBy = (record: StreamRecord) => lastValues?.deletedBy(record);
    const batch = new Batch({ decoder, sight, maxBytes: Infinity, deletedBy });
    for (const record of records) batch.visit(record);
    const give = batch.close();
    const to = give === undefined ? [] : ready(this.live, (session) => session.fallBehind());
    this.counts.given += batch.count;
    this.counts.heldBack += batch.heldBack;
    return give && { stream: sight.stream, give, count: batch.count, to };
  }
}

/** Those who get what changed, once per entity. */
export class LatestGroup implements ViewGroup {
  readonly live = new Set<StreamSession>();
  readonly counts: RowCounts = { given: 0, heldBack: 0 };
  /** Those who are behind. What they miss stands in the last values; what left their view while they are, only here. */
  private readonly behind = new Set<StreamSession>();
  private readonly left = new ByRecency<string>();

  constructor(
    readonly sight: Sight,
    private readonly decoder: RowDecoder,
    readonly lastValues: LastValues,
  ) {}

  get empty(): boolean {
    return this.live.size === 0 && this.behind.size === 0;
  }

  addBehind(session: StreamSession): void {
    this.behind.add(session);
  }

  removeBehind(session: StreamSession): void {
    this.behind.delete(session);
    if (this.behind.size === 0) this.left.clear();
  }

  /** Offsets have lost their meaning: everybody gets all values anew. */
  startOver(reason: GapReason): void {
    this.left.clear();
    for (const session of [...this.live, ...this.behind]) session.startOver(reason);
  }

  judge({ changes, version }: JudgedRun): Outgoing | undefined {
    const rows: string[] = [];
    const gone: { key: string; seq: number; text: string }[] = [];
    for (const [key, { seq, before, after }] of changes) {
      const row = after && this.decoder.text(after, this.sight);
      const text = row === undefined ? this.goneText(before) : undefined;
      if (row !== undefined) rows.push(row);
      else if (text !== undefined) gone.push({ key, seq, text });
    }
    const count = rows.length + gone.length;
    const to = count === 0 ? [] : ready(this.live, (session) => session.conflateFrom(version));
    this.counts.given += count;
    this.counts.heldBack += changes.size - count;
    this.remember(gone);
    const [first, last] = [
      deliveryOf(
        'gone',
        gone.map(({ text }) => text),
      ),
      deliveryOf('rows', rows),
    ];
    // Until the second is out the cursor stays before both.
    if (first !== undefined && last !== undefined) for (const session of to) session.give(first);
    const give = last ?? first;
    return give && { stream: this.sight.stream, give, count, to };
  }

  private remember(gone: readonly { key: string; seq: number; text: string }[]): void {
    if (this.behind.size === 0) return;
    for (const { key, seq, text } of gone) this.left.set(key, text, seq);
    if (this.left.size <= maxLeft) return;
    this.left.clear();
    for (const session of [...this.behind]) session.startOver('too-far');
  }

  /** The key of an entity that is no longer seen, for those who may have got it as it was. */
  goneText(before: readonly JsonObject[]): string | undefined {
    for (const row of before) {
      const key = this.decoder.keyOf(this.sight.hadSeen(row));
      if (key !== undefined) return stringifyJson(key);
    }
    return undefined;
  }

  /** What left the view after a version, and is not back. */
  *leftSince(version: number): Generator<{ seq: number; text: string }, void, undefined> {
    for (const { key, seq, item } of this.left.since(version)) {
      const row = this.lastValues.get(key);
      if (row === undefined || this.sight.apply(row) === undefined) yield { seq, text: item };
    }
  }

  text(row: JsonObject): string | undefined {
    return this.decoder.text({ row, text: undefined }, this.sight);
  }
}

/** Those who can take more; the others fall behind. */
function ready(live: ReadonlySet<StreamSession>, fallBehind: (session: StreamSession) => void): StreamSession[] {
  const ready: StreamSession[] = [];
  for (const session of live) {
    if (session.blocked) fallBehind(session);
    else ready.push(session);
  }
  return ready;
}
