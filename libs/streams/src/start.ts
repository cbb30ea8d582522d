import { AppError } from '@tidegate/errors';
import type { RangeReader } from '@tidegate/kafka';
import { z } from 'zod';
import type { SourcePosition } from './cursor';
import type { GapReason } from './session-sink';
import type { StreamChannel } from './stream-channel';
import { readable } from './unreadable';

/** Where to begin: a cursor, or else `from`: `latest` (the default), `earliest` or an RFC 3339 time. */
export interface StreamStart {
  after?: string;
  from?: string;
  /** `latest`: the last value of each entity, then what changes. */
  mode?: 'events' | 'latest';
  /** A condition over the fields of the rows that the caller may see. */
  where?: string;
  /** The name of a durable subscription: the server keeps its position. */
  sub?: string;
  /** What moves that position: the client's acknowledgements (the default), or that rows are sent. */
  delivery?: 'at-least-once' | 'at-most-once';
}

export type StartPoint =
  | { at: 'latest' }
  | { at: 'earliest' }
  | { at: 'time'; timeMs: number }
  | { at: 'cursor'; position: readonly SourcePosition[] };

export interface ResolvedStart {
  position: bigint[][];
  gaps: GapReason[];
}

type Ranges = Pick<RangeReader, 'offsets'>;

const time = z.iso.datetime({ offset: true });

/** Judges what the caller asked for before anything is read. @throws AppError `invalid_cursor`, `foreign_cursor`, `invalid_argument` */
export function parseStart({ after, from }: StreamStart, open: (cursor: string) => SourcePosition[]): StartPoint {
  if (after !== undefined) return { at: 'cursor', position: open(after) };
  if (from === undefined || from === 'latest') return { at: 'latest' };
  if (from === 'earliest') return { at: 'earliest' };
  if (time.safeParse(from).success) return { at: 'time', timeMs: Date.parse(from) };
  const detail = 'Expected latest, earliest or an RFC 3339 time such as 2026-01-31T12:00:00Z.';
  throw new AppError('invalid_argument', `from: ${detail}`, { details: [{ pointer: '/from', detail }] });
}

/** The offsets that a start means now. `latest` is where the channel's readers of that kind stand. */
export async function resolveStart(
  point: StartPoint,
  channel: StreamChannel,
  ranges: Ranges,
  latest: () => readonly (readonly bigint[])[],
): Promise<ResolvedStart> {
  for (;;) {
    const resets = channel.resets;
    const start = await readable(resolveOnce(point, channel, ranges, latest));
    // A topic that was made again meanwhile has other offsets.
    if (resets === channel.resets) return complete(start, channel, latest());
  }
}

async function resolveOnce(
  point: StartPoint,
  channel: StreamChannel,
  ranges: Ranges,
  latest: () => readonly (readonly bigint[])[],
): Promise<ResolvedStart> {
  if (point.at === 'latest') return { position: latest().map((offsets) => [...offsets]), gaps: [] };
  const start =
    point.at === 'cursor'
      ? await fromCursor(point.position, channel, ranges)
      : {
          position: await offsetsAt(point.at === 'time' ? point.timeMs : 'earliest', channel, ranges),
          gaps: [],
        };
  return hideOld(start, point.at === 'cursor', channel, ranges);
}

function offsetsAt(at: 'earliest' | number, { options, has }: StreamChannel, ranges: Ranges): Promise<bigint[][]> {
  return Promise.all(
    options.feeds.map(({ topic }, source) => (has(source) ? ranges.offsets(topic, at) : Promise.resolve([]))),
  );
}

async function fromCursor(
  cursor: readonly SourcePosition[],
  { options, arrived, absent, has, isNamed }: StreamChannel,
  ranges: Ranges,
): Promise<ResolvedStart> {
  const gaps = new Set<GapReason>();
  const known = options.feeds.map(({ topicTag }) => cursor.find((source) => source.topicTag === topicTag));
  let replaced = cursor.filter((source) => !known.includes(source)).length;
  const position = await Promise.all(
    options.feeds.map(async (feed, source) => {
      const offsets = known[source]?.offsets;
      if (!has(source)) return [];
      if (offsets === undefined) {
        // A source that stands for one the cursor knew was made again; one more than it knew is new, and nothing is missing.
        if (isNamed(feed) && replaced-- > 0) gaps.add('recreated');
        return ranges.offsets(feed.topic, 'earliest');
      }
      const ends = arrived[source] ?? [];
      const beyond = ends.some((end, p) => (offsets[p] ?? 0n) > end);
      const logEnds = beyond ? await ranges.offsets(feed.topic, 'latest') : ends;
      return ends.map((_, p) => place(offsets[p], feed.logStarts[p] ?? 0n, logEnds[p], gaps));
    }),
  );
  // What the cursor knew may have been the topic that is not there.
  if (absent.size > 0 && replaced > 0) gaps.add('recreated');
  return { position, gaps: [...gaps] };
}

function place(offset: bigint | undefined, logStart: bigint, end: bigint | undefined, gaps: Set<GapReason>): bigint {
  // A partition that the cursor does not know was added after it was made: all of it is new.
  if (offset === undefined) return logStart;
  if (end !== undefined && offset > end) {
    gaps.add('truncated');
    return end;
  }
  if (offset >= logStart) return offset;
  gaps.add('retention');
  return logStart;
}

/** Skips what is too old to be shown, without reading it. */
async function hideOld(
  start: ResolvedStart,
  saysGap: boolean,
  channel: StreamChannel,
  ranges: Ranges,
): Promise<ResolvedStart> {
  const { cutoffMs } = channel.options.decoder;
  if (cutoffMs === undefined) return start;
  const oldest = await offsetsAt(cutoffMs, channel, ranges);
  let hidden = false;
  const position = start.position.map((offsets, source) =>
    offsets.map((offset, p) => {
      const first = oldest[source]?.[p] ?? 0n;
      if (offset >= first) return offset;
      hidden = true;
      return first;
    }),
  );
  return { position, gaps: hidden && saysGap ? [...new Set([...start.gaps, 'retention' as const])] : start.gaps };
}

/** Partitions that were added while the start was being resolved are read from their beginning. */
function complete(
  start: ResolvedStart,
  { options }: StreamChannel,
  now: readonly (readonly bigint[])[],
): ResolvedStart {
  const logStart = (source: number, p: number) => options.feeds[source]?.logStarts[p] ?? 0n;
  const position = now.map((offsets, source) =>
    offsets.map((_, p) => start.position[source]?.[p] ?? logStart(source, p)),
  );
  return { ...start, position };
}
