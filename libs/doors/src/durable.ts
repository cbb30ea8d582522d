import type { Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { ReadOptions, Session, SessionSink, StreamHub, StreamStart } from '@tidegate/streams';

interface Start extends StreamStart {
  mode?: 'events' | 'latest';
  where?: string;
  sub?: string;
  delivery?: 'at-least-once' | 'at-most-once';
}

interface DurableSession extends Session {
  ack(cursor: string): void | Promise<void>;
}

/** What the doors speak for. */
export interface StreamSource {
  subscribe(principal: Principal, stream: string, start: Start, sink: SessionSink): Promise<Session>;
  read(principal: Principal, stream: string, options: ReadOptions & Start): ReturnType<StreamHub['read']>;
  ack(principal: Principal, stream: string, sub: string, cursor: string): void | Promise<void>;
}

/** Until every hub offers all of it: nothing that is asked for is passed over. */
export function sourceOf(hub: Pick<StreamHub, 'subscribe' | 'read'> & Partial<StreamSource>): StreamSource {
  if (hub.ack !== undefined) return hub as StreamSource;
  return {
    subscribe: async (principal, stream, start, sink) => hub.subscribe(principal, stream, checked(start), sink),
    read: async (principal, stream, options) => hub.read(principal, stream, checked(options)),
    ack: () => Promise.reject(new AppError('unprocessable', 'Durable subscriptions are not offered.')),
  };
}

function checked<T extends Start>(start: T): T {
  const field = ['where', 'sub', 'delivery'].find((name) => Object.hasOwn(start, name));
  if (field !== undefined) throw new AppError('unprocessable', `${field}: Not offered by this stream; leave it out.`);
  if (start.mode === 'latest') throw new AppError('mode_not_offered', 'The stream offers mode=events only.');
  return start;
}

/** Moves the position of the durable subscription that a session follows. */
export async function acknowledge(session: Session | undefined, cursor: string): Promise<void> {
  if (session === undefined) throw new AppError('conflict', 'The stream is still being opened.');
  await (session as DurableSession).ack(cursor);
}
