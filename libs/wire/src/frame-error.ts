import type { Status } from './status';

/** Which Telemetry frame is meant; lane 0 and seq 0 where nobody can tell. */
export interface FramePlace {
  lane: number;
  seq: number;
}

/** Bytes that are refused. The message is safe to show to the device. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly lane: number;
  readonly seq: number;

  constructor(
    readonly status: Status,
    message: string,
    { lane, seq, cause }: Partial<FramePlace> & { cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.lane = lane ?? 0;
    this.seq = seq ?? 0;
  }

  /** Total: whatever a decoder throws about the bytes it was given. */
  static from(error: unknown): FrameError {
    if (error instanceof FrameError) return error;
    return new FrameError('malformed', 'the body cannot be decoded', { cause: error });
  }
}
