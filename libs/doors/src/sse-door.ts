import type { Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { Wheel, type Session, type StreamHub } from '@tidegate/streams';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ConnectionCount } from './connection-count';
import type { DoorsSettings } from './options';
import { SseStream } from './sse-stream';
import { startOf, type StartQuery } from './start-query';

export interface SseDoorDeps {
  hub: Pick<StreamHub, 'subscribe'>;
  settings: DoorsSettings;
  connections: ConnectionCount;
}

const contentType = 'text/event-stream';
const stepMs = 1_000;

/** Streams as Server-Sent Events. */
export class SseDoor {
  private readonly wheel: Wheel;
  private readonly open = new Set<Session>();

  constructor(private readonly deps: SseDoorDeps) {
    const { commentMs } = deps.settings;
    this.wheel = new Wheel(Math.min(stepMs, commentMs), commentMs, { onStep: () => undefined, now: Date.now });
  }

  /** What is open now. */
  get connections(): Iterable<{ drain(): void }> {
    return [...this.open].map((session) => ({ drain: () => session.end('restart') }));
  }

  /**
   * Answers with the stream until either side ends it. `Last-Event-ID` goes before `after` before `from`.
   *
   * @throws before the first byte: AppError `not_acceptable`, `unavailable`, `rate_limited`, and what `StreamHub.subscribe` does
   */
  async follow(
    principal: Principal,
    stream: string,
    query: StartQuery,
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  ): Promise<void> {
    if (!acceptsEvents(request.headers.accept)) throw notAcceptable();
    const lastEventId = request.headers['last-event-id'];
    const start = startOf(typeof lastEventId === 'string' ? { ...query, after: lastEventId } : query);
    const { hub, settings, connections } = this.deps;
    const release = connections.take('sse', principal);
    const { raw } = reply;
    raw.once('close', release);
    // A write that meets a connection which has just gone; `close` follows.
    raw.on('error', () => undefined);
    const sse = new SseStream(raw, settings);
    const session = await hub.subscribe(principal, stream, start, sse).catch((error: unknown) => {
      release();
      throw error;
    });
    if (raw.destroyed || request.method === 'HEAD') {
      session.close();
      release();
      if (request.method === 'HEAD') void reply.type(contentType).send();
      return;
    }
    this.open.add(session);
    raw.once('close', () => {
      this.open.delete(session);
      this.wheel.remove(sse);
      session.close();
    });
    reply.hijack();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': contentType,
      'cache-control': 'no-cache, no-transform',
      // Nginx would gather the events otherwise.
      'x-accel-buffering': 'no',
    });
    sse.start();
    this.wheel.add(sse);
  }
}

export function notAcceptable(): AppError {
  const ways = 'Accept: text/event-stream, a WebSocket upgrade (tidegate.v1), or GET …/records';
  return new AppError('not_acceptable', `A stream is read by one of: ${ways}.`);
}

function acceptsEvents(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  return ranges.some(([type, ...parameters]) => {
    return type === contentType && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
