import { AppError } from '@tidegate/errors';
import type { Session, StreamHub } from '@tidegate/streams';

/** What the doors speak for. */
export type StreamSource = Pick<StreamHub, 'subscribe' | 'read' | 'ack'>;

/** Moves the position of the durable subscription that a session follows. @throws AppError as `Session.ack` does */
export function acknowledge(session: Session | undefined, cursor: string): void {
  if (session === undefined) throw new AppError('conflict', 'The stream is still being opened.');
  session.ack(cursor);
}
