import type { ClientFrame, closeCodes, ServerFrame, subprotocol } from '@tidegate/contracts';
import { fellSilent, Patience, Silence, type Ending, type Transport, type Wish } from './connection';
import { endingOf } from './problem';
import { isFinal, StreamError } from './stream-error';

// Said again, so that nothing of the contracts is bundled; the types see to it that they stay the same.
const protocol: typeof subprotocol = 'tidegate.v1';
const finalCloses: Partial<Record<(typeof closeCodes)[keyof typeof closeCodes], [code: string, message: string]>> = {
  1009: ['too_large', 'The server takes no frame of this size.'],
  4400: ['bad_message', 'The server did not understand us.'],
  4403: ['access_withdrawn', 'The caller may not follow this stream any more.'],
  4409: ['taken', 'Another reader has taken over the subscription.'],
};

/** For the handshake, and for each frame before the first one says how often there is one. */
const firstSilenceMs = 20_000;
/** A token that lives shorter than the notice is not asked for again at every notice. */
const refreshEveryMs = 10_000;

/** By the ticket of a token: browsers send no header with a WebSocket. */
export const followByWebSocket: Transport = async (wish) => {
  const authorization = `Bearer ${await wish.token()}`;
  const patience = new Patience(wish.signal);
  patience.heard(firstSilenceMs);
  let ticket: string;
  try {
    const answer = await askForTicket(wish, authorization, patience.signal);
    if (answer.status !== 201) return await endingOf(answer);
    ({ ticket } = (await answer.json()) as { ticket: string });
  } finally {
    patience.end();
  }
  if (wish.signal.aborted) return { reason: 'closed' };
  const socket = new WebSocket(`${wish.url.replace(/^http/, 'ws')}/streams`, [protocol, `ticket.${ticket}`]);
  return new Talk(socket, wish).ending;
};

function askForTicket({ url }: Wish, authorization: string, signal: AbortSignal): Promise<Response> {
  const headers = { authorization };
  return fetch(`${url}/stream-tickets`, { method: 'POST', headers, signal, cache: 'no-store', credentials: 'omit' });
}

/** What is said over one WebSocket. */
class Talk {
  readonly ending: Promise<Ending>;
  private end: (ending: Ending) => void = () => undefined;
  private fail: (error: unknown) => void = () => undefined;
  private readonly silence = new Silence(() => this.leave({ reason: fellSilent }));
  private silenceMs = firstSilenceMs;
  private bye: Extract<ServerFrame, { t: 'bye' }> | undefined;
  private subscribed = false;
  private refreshedAtMs = -Infinity;
  private refreshTimer: ReturnType<typeof setTimeout> | undefined;
  private over = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly wish: Wish,
  ) {
    this.ending = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
    wish.signal.addEventListener('abort', this.onAbort);
    this.silence.heard(this.silenceMs);
    socket.onmessage = ({ data }) => this.hear(String(data));
    socket.onclose = ({ code }) => this.closed(code);
  }

  private readonly onAbort = () => this.leave({ reason: 'closed' });

  private hear(text: string): void {
    if (this.over) return;
    try {
      this.obey(this.wish.parse(text) as ServerFrame);
      if (!this.over) this.silence.heard(this.silenceMs);
    } catch (error) {
      this.leave(error);
    }
  }

  private obey(frame: ServerFrame): void {
    switch (frame.t) {
      case 'hello':
        this.silenceMs = frame.heartbeatSeconds * 2_500 || firstSilenceMs;
        this.send({ t: 'sub', s: this.wish.stream, ...this.wish.start });
        return this.wish.opened((sent) => this.send(sent));
      case 'expiring':
        return this.refreshSoon(Number(frame.inSeconds));
      case 'error':
        return this.refused(frame);
      case 'bye':
        this.bye = frame;
        return;
      default:
        this.subscribed = true;
        return this.wish.take(frame);
    }
  }

  private refused({ code, detail, s }: Extract<ServerFrame, { t: 'error' }>): void {
    const error = new StreamError(code, detail);
    // Of a token: the old one is good until its end, and the next connection shows whether a fresh one is.
    if (s === undefined && code !== 'permission_denied') return this.wish.refused(error);
    if (s !== undefined && this.subscribed) return this.wish.refused(error);
    if (isFinal(code)) throw error;
    this.leave({ reason: detail });
  }

  private refreshSoon(inSeconds: number): void {
    clearTimeout(this.refreshTimer);
    const early = Date.now() - this.refreshedAtMs < refreshEveryMs;
    this.refreshTimer = setTimeout(() => void this.refresh(), early ? inSeconds * 500 : 0);
  }

  private async refresh(): Promise<void> {
    this.refreshedAtMs = Date.now();
    try {
      const token = await this.wish.token();
      if (!this.over) this.send({ t: 'auth', token });
    } catch (cause) {
      if (!this.over) this.wish.refused(new StreamError('token', 'No fresh token could be had.', { cause }));
    }
  }

  private send(frame: ClientFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  private closed(code: number): void {
    const final = finalCloses[code as keyof typeof finalCloses];
    if (final !== undefined) return this.finish(() => this.fail(new StreamError(...final)));
    const retryMs = code === 4401 ? 0 : this.bye?.retryMs;
    const reason = this.bye?.code ?? `The connection was lost (${code}).`;
    this.finish(() => this.end({ reason, retryMs }));
  }

  private leave(why: unknown): void {
    const isEnding = why !== null && typeof why === 'object' && 'reason' in why;
    this.finish(() => (isEnding ? this.end(why as Ending) : this.fail(why)));
    this.socket.close();
  }

  private finish(settle: () => void): void {
    if (this.over) return;
    this.over = true;
    this.silence.stop();
    clearTimeout(this.refreshTimer);
    this.wish.signal.removeEventListener('abort', this.onAbort);
    settle();
  }
}
