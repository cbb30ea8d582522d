import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RowCounts } from './row-tally';
import type { GapReason } from './session-sink';
import type { Sight } from './sight';
import type { ResolvedStart } from './start';
import type { StreamChannel } from './stream-channel';
import type { StreamRecord } from './stream-record';
import { unreadable } from './unreadable';
import { Walk, type Verdict } from './walk';

export interface RecordsPage {
  /** Written out by `stringifyJson`, they keep every digit. */
  records: JsonObject[];
  /** Keys of entities that were deleted after all of `records`. */
  gone: JsonValue[][];
  cursor: string;
  gap: { reason: GapReason } | null;
  /** Whether this was all that the stream had for the caller at the time. */
  caughtUp: boolean;
}

export interface RecordsReadOptions {
  channel: StreamChannel;
  sight: Sight;
  prefix: string;
  start: ResolvedStart;
  limit: number;
  waitMs: number;
}

/** Records, and rows of them, that are looked at before others get their turn. */
const scanRecords = 2_000;
const lookAgainMs = 1_000;

/** One bounded read on behalf of one caller: ends at the limit, at its budget, or at the log's end. */
export class RecordsRead {
  private readonly records: JsonObject[] = [];
  private readonly gone: JsonValue[][] = [];
  private readonly walk: Walk;
  private readonly untilMs: number;
  private scanned = 0;
  /** Rows of the scanned records, in all and since the last turn. */
  private judged = 0;
  private judgedThisTurn = 0;
  private spentMs = 0;
  private awake = false;
  private full = false;
  private stopped = false;
  private wake = () => {
    this.awake = true;
  };

  constructor(private readonly options: RecordsReadOptions) {
    const { feeds, buckets, now } = options.channel.options;
    this.walk = new Walk({
      feeds,
      buckets,
      position: options.start.position,
      target: () => options.channel.arrived,
      onProgress: () => this.wake(),
      now,
    });
    for (const reason of options.start.gaps) this.walk.gaps.add(reason);
    this.untilMs = now() + options.waitMs;
  }

  /** @throws AppError `unavailable` when there is nothing to give and Kafka cannot be read. */
  async page(): Promise<RecordsPage> {
    const { waiting } = this.options.channel;
    const wake = () => this.wake();
    waiting.add(wake);
    try {
      while (!this.done()) await this.pause();
      return this.result();
    } finally {
      waiting.delete(wake);
      this.walk.end();
    }
  }

  /** Whoever asked has gone, or the process is about to: the page ends with what it has. */
  stop(): void {
    this.stopped = true;
    this.wake();
  }

  private done(): boolean {
    const { channel, limit, sight } = this.options;
    const { stream, metrics, now } = channel.options;
    const startedMs = now();
    const most = Math.min(scanRecords, stream.resume.maxScanned - this.scanned);
    this.judgedThisTurn = 0;
    const scanned = this.walk.scan((record) => this.visit(record), most);
    metrics.scanned.inc({ stream: sight.stream }, scanned);
    this.scanned += scanned;
    this.spentMs += now() - startedMs;
    this.awake = scanned >= scanRecords || this.judgedThisTurn >= scanRecords;
    const { maxScanned, maxMs } = stream.resume;
    const count = this.records.length + this.gone.length;
    if (count >= limit || this.stopped || this.full) return true;
    if (this.scanned >= maxScanned || this.spentMs + this.walk.readMs >= maxMs) return true;
    if (!this.walk.behind) return count > 0 || this.walk.gaps.size > 0 || this.waitIsOver(now());
    return this.walk.failure !== undefined;
  }

  private waitIsOver(nowMs: number): boolean {
    return nowMs >= this.untilMs || this.options.channel.unavailable !== undefined;
  }

  private visit(record: StreamRecord): Verdict {
    const { channel, sight } = this.options;
    const { decoder } = channel.options;
    if (record.value === null) {
      const key = decoder.goneKey(record, sight.unfiltered, channel.lastValues?.deletedBy(record));
      if (key !== undefined) this.gone.push(key);
      return this.verdict(1);
    }
    const rows = decoder.rows(record);
    const visible = rows.map(({ row }) => sight.apply(row)).filter((row) => row !== undefined);
    if (visible.length > 0 && !this.fits(visible.length)) {
      this.full = true;
      return 'leave';
    }
    for (const row of visible) this.records.push(row);
    return this.verdict(Math.max(1, rows.length));
  }

  /**
   * Clients apply `records` before `gone`, so a row that follows a delete waits for the next page. Cursors stand between
   * records, so the rows of one come together: those that are too many for the limit come alone, in a page of their own.
   */
  private fits(count: number): boolean {
    if (this.gone.length > 0) return false;
    return this.records.length === 0 || this.records.length + count <= this.options.limit;
  }

  private verdict(judged: number): Verdict {
    this.judged += judged;
    this.judgedThisTurn += judged;
    const full = this.records.length + this.gone.length >= this.options.limit;
    return full || this.judgedThisTurn >= scanRecords ? 'last' : 'take';
  }

  private async pause(): Promise<void> {
    if (this.awake) return void (await nextTurn());
    const leftMs = Math.max(0, this.untilMs - this.options.channel.options.now());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.walk.behind ? lookAgainMs : leftMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {
      this.awake = true;
    };
  }

  /** How far it came, and what of it went into the page. */
  get outcome(): RowCounts & { position: readonly (readonly bigint[])[] } {
    const given = this.records.length + this.gone.length;
    return { given, heldBack: this.judged - given, position: this.walk.position };
  }

  private result(): RecordsPage {
    const { channel, prefix, sight } = this.options;
    const { metrics } = channel.options;
    const { stream } = sight;
    const [reason] = this.walk.gaps;
    const nothing = this.records.length + this.gone.length === 0 && reason === undefined;
    if (nothing && this.walk.failure !== undefined) throw this.walk.failure;
    if (nothing && channel.unavailable !== undefined) throw unreadable(channel.unavailable);
    metrics.rows.inc({ stream }, this.records.length);
    if (reason !== undefined) metrics.gaps.inc({ stream, reason });
    const cursor = prefix + channel.sealed(stream, this.walk.position);
    const gap = reason === undefined ? null : { reason };
    return { records: this.records, gone: this.gone, cursor, gap, caughtUp: !this.walk.behind };
  }
}
