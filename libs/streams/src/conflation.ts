import type { ResetReason } from '@tidegate/kafka';
import { deliveryOf, maxRowsAtOnce } from './batch';
import type { CatchUp } from './catch-up';
import type { GapReason } from './session-sink';
import type { StreamSession } from './stream-session';
import type { LatestGroup } from './view-group';

export interface ConflationStart {
  /** Everything up to here has been given: 0 for nothing. */
  version: number;
  /** Where the log stands there. */
  position: bigint[][];
  /** Said before anything is given. */
  gaps?: readonly GapReason[];
  /** Keys, as JSON text, of what left the view before the version. */
  departed?: readonly string[];
}

interface Part {
  rows: string[];
  gone: string[];
  judged: number;
}

/**
 * A session that gets what has changed since a version of the last values, each entity once and as it is now, however often
 * it changed: a snapshot, what a resumed reader missed, or a reader that is slow. It holds no queue but a version.
 */
export class Conflation implements CatchUp {
  readonly position: bigint[][];
  readonly waitsForKafka = true;
  private rowsTo: number;
  private goneTo: number;
  private readonly whole: boolean;
  private readonly gaps: Set<GapReason>;
  private departed: readonly string[];

  constructor(
    private readonly session: StreamSession,
    private readonly group: LatestGroup,
    { version, position, gaps = [], departed = [] }: ConflationStart,
  ) {
    this.rowsTo = version;
    this.goneTo = version;
    this.whole = version === 0;
    this.position = position;
    this.gaps = new Set(gaps);
    this.departed = departed;
    group.addBehind(session);
  }

  pump(): boolean {
    const { session, group } = this;
    for (const reason of this.gaps) session.sayGap(reason);
    this.gaps.clear();
    if (!group.lastValues.ready) return false;
    const part: Part = { rows: [], gone: this.departed.slice(0, maxRowsAtOnce), judged: 0 };
    this.departed = this.departed.slice(maxRowsAtOnce);
    this.takeLeft(part);
    this.takeRows(part);
    this.give(part);
    return session.isBehindWith(this);
  }

  /** What was to be said, and was not yet, when another one takes its place. */
  outstanding(): Pick<ConflationStart, 'gaps' | 'departed'> {
    const left = [...this.group.leftSince(this.goneTo)].map(({ text }) => text);
    return { gaps: [...this.gaps], departed: [...this.departed, ...left] };
  }

  end(): void {
    this.group.removeBehind(this.session);
  }

  onReset(_reason: ResetReason): void {
    // The channel has all of its sessions start over.
  }

  onPartition(source: number, partition: number, start: bigint): void {
    const offsets = (this.position[source] ??= []);
    offsets[partition] = start;
  }

  trim(source: number, partitions: number): void {
    this.position[source]?.splice(partitions);
  }

  private takeLeft(part: Part): void {
    for (const { seq, text } of this.group.leftSince(this.goneTo)) {
      if (part.gone.length >= maxRowsAtOnce) return;
      this.goneTo = seq;
      part.gone.push(text);
    }
    this.goneTo = this.group.lastValues.version;
  }

  private takeRows(part: Part): void {
    const { group, session } = this;
    const { batchBytes } = session.channel.options.limits;
    let bytes = 0;
    for (const { seq, row } of group.lastValues.since(this.rowsTo)) {
      if (part.judged >= maxRowsAtOnce || bytes >= batchBytes) return;
      this.rowsTo = seq;
      part.judged++;
      const text = row && group.text(row);
      if (text !== undefined) {
        part.rows.push(text);
        bytes += text.length;
        continue;
      }
      // Only who had another view before may have got a row that now is not seen.
      const gone = row !== undefined && group.sight.changing ? group.goneText([row]) : undefined;
      if (gone !== undefined) part.gone.push(gone);
    }
    this.rowsTo = group.lastValues.version;
  }

  private give({ rows, gone, judged }: Part): void {
    const { session, group } = this;
    const { version } = group.lastValues;
    const level = this.rowsTo === version && this.goneTo === version && this.departed.length === 0;
    const count = rows.length + gone.length;
    session.tally.add(count, Math.max(0, judged - count));
    session.channel.options.metrics.rows.inc({ stream: session.stream }, rows.length);
    const deliveries = [deliveryOf('gone', gone), deliveryOf('rows', rows)].filter((one) => one !== undefined);
    const last = level ? deliveries.pop() : undefined;
    // Whoever is cut off between them is given both again.
    for (const give of deliveries) session.give(give);
    if (level) session.levelWith(last, this.whole && group.lastValues.partial);
  }
}
