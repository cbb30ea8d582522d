import type { ClientFrame, ServerFrame } from '@tidegate/contracts';
import type { Ending, SubscribeFields, Wish } from './connection';
import type { FollowOptions, StreamState } from './options';
import { endingOf } from './problem';
import { followBySse } from './sse-transport';
import { StreamError } from './stream-error';
import { followByWebSocket } from './websocket-transport';

export interface Following {
  /** Where the stream would go on: the position after all that was taken. */
  readonly cursor: string | undefined;
  /** Moves the position that the server keeps for `sub`; to where we are, when nothing is said. */
  ack(cursor?: string): Promise<void>;
  /** No callback is called after this. */
  close(): void;
}

/**
 * Follows a stream over as many connections as it takes, each from the cursor of the one before, so that nothing is lost
 * and nothing comes twice; what cannot be had is told to `onGap`. Ends by `close()`, or with an error when the caller may
 * not follow it (any more), or when what was asked for is wrong.
 */
export function followStream<Row = Record<string, unknown>>(options: FollowOptions<Row>): Following {
  const follower = new Follower(options as FollowOptions<unknown>);
  void follower.run();
  return follower;
}

/** A timer that is set for longer goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

class Follower implements Following {
  cursor: string | undefined;
  private readonly url: string;
  private readonly closing = new AbortController();
  private failures = 0;
  private send: ((frame: ClientFrame) => void) | undefined;
  private sseNext: boolean;

  constructor(private readonly options: FollowOptions<unknown>) {
    this.cursor = options.after;
    this.url = options.url.replace(/\/+$/, '');
    this.sseNext = options.transport === 'sse';
  }

  async run(): Promise<void> {
    try {
      while (!this.closed) {
        this.say({ state: 'connecting' });
        const { reason, retryMs } = await this.connect();
        if (this.closed) return;
        await this.pause(Math.min(retryMs ?? this.backoffMs(), longestTimerMs), reason);
      }
    } catch (error) {
      if (this.closed) return;
      this.closing.abort();
      this.options.onState?.({ state: 'closed', error: asStreamError(error) });
    }
  }

  async ack(cursor = this.cursor): Promise<void> {
    const { stream, sub, token } = this.options;
    if (cursor === undefined || sub === undefined) throw new StreamError('unprocessable', 'There is nothing to move.');
    if (this.send !== undefined) return this.send({ t: 'ack', s: stream, c: cursor });
    const response = await fetch(`${this.url}/streams/${encodeURIComponent(stream)}/acks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sub, cursor }),
    });
    if (!response.ok) throw new StreamError('refused', (await endingOf(response)).reason);
  }

  close(): void {
    if (this.closed) return;
    this.closing.abort();
    this.options.onState?.({ state: 'closed' });
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  private async connect(): Promise<Ending> {
    const sse = this.sseNext;
    let opened = false;
    try {
      return await (sse ? followBySse : followByWebSocket)({
        ...this.wish(),
        opened: (send) => {
          opened = true;
          this.send = send;
          this.say({ state: 'open', transport: sse ? 'sse' : 'websocket' });
        },
      });
    } catch (error) {
      // Of the network, or of the token's source: both may come back.
      if (error instanceof StreamError) throw error;
      return { reason: error instanceof Error ? error.message : String(error) };
    } finally {
      this.send = undefined;
      // Some networks let no WebSocket through; the connection after the next one tries again.
      if (this.options.transport === undefined || this.options.transport === 'auto') this.sseNext = !sse && !opened;
    }
  }

  private wish(): Omit<Wish, 'opened'> {
    const { stream, token, parse = JSON.parse, onRefused } = this.options;
    return {
      url: this.url,
      stream,
      parse,
      start: this.start(),
      token: async () => token(),
      signal: this.closing.signal,
      take: (frame) => !this.closed && this.take(frame),
      refused: (error) => !this.closed && onRefused?.(error),
    };
  }

  private start(): SubscribeFields {
    const { from, mode, where, sub, delivery } = this.options;
    const at = this.cursor === undefined ? { from } : { after: this.cursor };
    const fields = Object.entries({ ...at, mode, where, sub, delivery });
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }

  private take(frame: ServerFrame): void {
    if (!('c' in frame)) return;
    try {
      this.tell(frame);
    } catch (cause) {
      throw new StreamError('callback', 'A callback threw an error.', { cause });
    }
    if (frame.c !== '') this.cursor = frame.c;
    this.failures = 0;
  }

  private tell(frame: Extract<ServerFrame, { c: string }>): void {
    const { onRows, onGone, onGap, onCaughtUp } = this.options;
    if (frame.t === 'rows' && frame.r.length > 0) onRows(frame.r, frame.c);
    if (frame.t === 'gone') onGone?.(frame.k, frame.c);
    if (frame.t === 'gap') onGap?.(frame.reason, frame.c);
    if (frame.t === 'caught-up') onCaughtUp?.(frame.c);
  }

  /** Doubles with each connection that brought nothing, less a random part, so that clients do not come back together. */
  private backoffMs(): number {
    const { firstPauseMs = 500, longestPauseMs = 30_000 } = this.options;
    const most = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.failures++, 20));
    return most * (1 - Math.random() / 2);
  }

  private pause(forMs: number, reason: string): Promise<void> {
    this.say({ state: 'waiting', forMs, reason });
    const { signal } = this.closing;
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        resolve();
      };
      const timer = setTimeout(go, forMs);
      signal.addEventListener('abort', go);
      if (signal.aborted) go();
    });
  }

  private say(state: StreamState): void {
    if (!this.closed) this.options.onState?.(state);
  }
}

function asStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  return new StreamError('callback', 'A callback threw an error.', { cause: error });
}
