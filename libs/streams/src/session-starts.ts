import { stringifyJson } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { RangeReader } from '@tidegate/kafka';
import type { DurableFollow } from './durable-follow';
import type { LastValues } from './last-values';
import type { GapReason } from './session-sink';
import type { Sight } from './sight';
import { resolveStart, type StartPoint, type StreamStart } from './start';
import type { StreamChannel } from './stream-channel';
import type { SessionStart } from './stream-session';
import { unreadable } from './unreadable';

const warmingRetryMs = 2_000;

export interface SessionStartsOptions {
  ranges: Pick<RangeReader, 'offsets'>;
  warmingWaitMs: number;
}

interface AskedStart {
  point: StartPoint;
  start: StreamStart;
  channel: StreamChannel;
  sight: Sight;
  durable: DurableFollow | undefined;
  /** The cursor says that this is what its bearer has seen. */
  sameSight: boolean;
}

/** From what was asked for to where a session begins. */
export class SessionStarts {
  constructor(private readonly options: SessionStartsOptions) {}

  /** @throws AppError `invalid_argument`, `warming`, `unavailable` */
  async begin({ point, start, channel, sight, durable, sameSight }: AskedStart): Promise<SessionStart> {
    const stored = start.after === undefined ? await durable?.stored() : undefined;
    const unknown = durable !== undefined && start.after === undefined && stored === undefined;
    const gaps = unknown ? (['no-position'] as const) : [];
    const begin = await (start.mode === 'latest'
      ? this.latest(stored ?? point, channel, sight, gaps, sameSight)
      : this.events(stored ?? point, channel, gaps));
    // From its first day on it has a position, also when nothing is acknowledged.
    durable?.begin(begin.position);
    return begin;
  }

  /** Every row from a point on. @throws AppError `unavailable` */
  private async events(point: StartPoint, channel: StreamChannel, gaps: readonly GapReason[]): Promise<SessionStart> {
    const start = await resolveStart(point, channel, this.options.ranges, () => channel.head);
    return { mode: 'events', position: start.position, gaps: [...gaps, ...start.gaps] };
  }

  /**
   * The last values; for who comes back what has changed since, where all of that is known, and else, after a gap, all of
   * them again. @throws AppError `warming`, `unavailable`
   */
  private async latest(
    point: StartPoint,
    channel: StreamChannel,
    sight: Sight,
    gaps: readonly GapReason[],
    sameSight: boolean,
  ): Promise<SessionStart> {
    const { lastValues } = channel;
    if (lastValues === undefined) throw new Error(`${channel.name} keeps no last values`);
    await this.loaded(channel, lastValues);
    if (point.at !== 'cursor') return allOf(channel, gaps);
    // What was seen with other eyes could not be taken back.
    if (!sameSight) return allOf(channel, [...gaps, 'too-far']);
    const start = await resolveStart(point, channel, this.options.ranges, () => channel.head);
    const said = [...gaps, ...start.gaps];
    if (said.length > 0) return allOf(channel, said);
    return changesAfter(start.position, channel, lastValues, sight) ?? allOf(channel, ['too-far']);
  }

  private async loaded(channel: StreamChannel, lastValues: LastValues): Promise<void> {
    if (lastValues.ready) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        lastValues.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.options.warmingWaitMs);
      lastValues.waiting.add(done);
    });
    if (lastValues.ready) return;
    if (channel.unavailable !== undefined) throw unreadable(channel.unavailable);
    const detail = 'The last values of the stream are being loaded; try again in a moment.';
    throw new AppError('warming', detail, { retryAfterMs: warmingRetryMs });
  }
}

function allOf(channel: StreamChannel, gaps: readonly GapReason[]): SessionStart {
  return { mode: 'latest', version: 0, position: channel.positionOfNothing(), gaps };
}

function changesAfter(
  position: bigint[][],
  channel: StreamChannel,
  lastValues: LastValues,
  sight: Sight,
): SessionStart | undefined {
  const changes = lastValues.changesAfter(position);
  if (changes === undefined) return undefined;
  const departed: string[] = [];
  for (const [key, before] of changes.replaced) {
    const now = lastValues.get(key);
    if (now !== undefined && sight.apply(now) !== undefined) continue;
    const gone = before.map((row) => channel.options.decoder.keyOf(sight.apply(row))).find((one) => one !== undefined);
    if (gone !== undefined) departed.push(stringifyJson(gone));
  }
  return { mode: 'latest', version: changes.version, position, departed };
}
