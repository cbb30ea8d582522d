import { FrameError, type FramePlace } from './frame-error';
import type { Lane } from './frames';

/** Keeps the record of a frame well below the largest that Kafka takes (1 MB). */
export const maxReadings = 4_096;
export const maxSenmlRecords = 512;
const maxExact = 2 ** 53;

/** @throws FrameError for a lane that there is not, and for seq 0 */
export function laneOf({ lane, seq }: FramePlace): Lane {
  if (lane !== 0 && lane !== 1) throw new FrameError('malformed', 'lane is 0 (live) or 1 (backlog)', { lane, seq });
  if (seq === 0) throw new FrameError('malformed', 'seq counts from 1', { lane, seq });
  return lane;
}

/** Whether an integer was read without rounding; false for NaN. */
export function isExact(integer: number): boolean {
  return integer >= -maxExact && integer <= maxExact;
}
