import { AppError } from '@tidegate/errors';
import type { Session, SessionSink } from '@tidegate/streams';
import type { EndCode } from './door-codes';
import { errorFrame, StreamFrames } from './frames';

/** What a subscription needs of the connection that it is one of. */
export interface FrameSender {
  send(frame: string): void;
  warn(inSeconds: number): void;
  end(code: EndCode, retryMs: number): void;
  readonly bufferedBytes: number;
}

/** One stream on a connection that may follow many. */
export class WebSocketSubscription implements SessionSink {
  /** There once the hub has let the caller in. */
  session: Session | undefined;
  private readonly frames: StreamFrames;

  constructor(
    private readonly stream: string,
    private readonly sender: FrameSender,
  ) {
    this.frames = new StreamFrames(stream);
  }

  /** Moves the position of a durable subscription. @throws AppError as `Session.ack` does */
  acknowledge(cursor: string): void {
    if (this.session === undefined) throw new AppError('conflict', 'The stream is still being opened.');
    this.session.ack(cursor);
  }

  rows(json: string, _count: number, cursor: string): void {
    this.sender.send(this.frames.rows(json, cursor));
  }
  gone(json: string, _count: number, cursor: string): void {
    this.sender.send(this.frames.gone(json, cursor));
  }
  gap(reason: string, cursor: string): void {
    this.sender.send(this.frames.gap(reason, cursor));
  }
  caughtUp(cursor: string): void {
    this.sender.send(this.frames.caughtUp(cursor));
  }
  cursor(cursor: string): void {
    this.sender.send(this.frames.rows('[]', cursor));
  }
  expiring(inSeconds: number): void {
    this.sender.warn(inSeconds);
  }
  unavailable(detail: string): void {
    this.sender.send(errorFrame('unavailable', detail, this.stream));
  }
  bye(code: EndCode, retryMs: number): void {
    this.sender.end(code, retryMs);
  }
  bufferedBytes(): number {
    return this.sender.bufferedBytes;
  }
}
