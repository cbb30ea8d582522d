import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { readFrame, type Frame } from './frames.ts';

const subprotocol = 'tidegate.v1';
// Gone for good: the token or the policy does not allow it, so trying again would not either.
const accessWithdrawn = 4403;
const longestPauseMs = 10_000;

export interface StreamFollowerOptions {
  /** ws://…/<stream>/stream */
  url: string;
  /** A fresh access token for each connection, and for one whose token expires. */
  token: () => Promise<string>;
  /** Where to begin; the cursor takes over from the first frame on. */
  from?: string | undefined;
  /** Each row as one line of JSON. */
  row: (row: string) => void;
  /** What happened besides rows. */
  note: (note: string) => void;
  firstPauseMs?: number;
}

/** Follows a stream over as many connections as it takes, each from the cursor of the one before. */
export class StreamFollower {
  readonly #options: StreamFollowerOptions;
  #cursor: string | undefined;
  #retryMs: number | undefined;
  #everConnected = false;

  constructor(options: StreamFollowerOptions) {
    this.#options = options;
  }

  /** Resolves when `signal` says so. @throws Error when the stream is refused or nobody ever answered */
  async run(signal: AbortSignal): Promise<void> {
    const firstPauseMs = this.#options.firstPauseMs ?? 500;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const connected = await this.#connectOnce(signal);
      pauseMs = connected ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      await sleep(this.#retryMs ?? pauseMs, undefined, { signal }).catch(() => undefined);
      this.#retryMs = undefined;
    }
  }

  async #connectOnce(signal: AbortSignal): Promise<boolean> {
    try {
      const { code, connected } = await this.#follow(await this.#options.token(), signal);
      if (signal.aborted) return connected;
      if (code === accessWithdrawn) throw new Refusal('access was withdrawn');
      this.#options.note(`-- connection lost (${code}), going on from the last cursor`);
      return connected;
    } catch (error) {
      if (signal.aborted) return false;
      if (error instanceof Refusal || !this.#everConnected) throw error;
      this.#options.note(`-- ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  #address(): string {
    const url = new URL(this.#options.url);
    if (this.#cursor !== undefined) url.searchParams.set('after', this.#cursor);
    else if (this.#options.from !== undefined) url.searchParams.set('from', this.#options.from);
    return url.href;
  }

  #follow(token: string, signal: AbortSignal): Promise<{ code: number; connected: boolean }> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const socket = new WebSocket(this.#address(), subprotocol, { headers: { authorization: `Bearer ${token}` } });
      socket.on('open', () => (connected = this.#everConnected = true));
      socket.on('message', (data: Buffer) => this.#take(readFrame(data.toString('utf8')), socket));
      const leave = () => socket.terminate();
      signal.addEventListener('abort', leave, { once: true });
      socket.on('close', (code) => {
        signal.removeEventListener('abort', leave);
        resolve({ code, connected });
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (!connected) reject(new Error(`${this.#options.url} does not answer: ${error.code ?? error.message}`));
      });
      socket.on('unexpected-response', (_, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => reject(refusal(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
      });
    });
  }

  #take(frame: Frame, socket: WebSocket): void {
    if ('c' in frame) this.#cursor = frame.c;
    const { note } = this.#options;
    switch (frame.t) {
      case 'rows':
        return frame.r.forEach((row) => this.#options.row(JSON.stringify(row)));
      case 'hello':
        return note(`-- connected, session ${frame.session}`);
      case 'gone':
        return frame.k.forEach((key) => note(`-- gone: ${JSON.stringify(key)}`));
      case 'gap':
        return note(`-- gap: ${frame.reason}`);
      case 'caught-up':
        return note('-- caught up, live from here');
      case 'expiring':
        return void this.#refreshToken(socket);
      case 'error':
        return note(`-- error ${frame.code}: ${frame.detail}`);
      case 'bye':
        this.#retryMs = frame.retryMs;
        return note(`-- bye: ${frame.code}`);
      default:
        // Frames may be added; a client passes over what it does not know.
        frame satisfies never;
    }
  }

  async #refreshToken(socket: WebSocket): Promise<void> {
    try {
      socket.send(JSON.stringify({ t: 'auth', token: await this.#options.token() }));
    } catch (error) {
      this.#options.note(`-- no fresh token: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** An answer that another try would get again. */
class Refusal extends Error {}

function refusal(status: number, body: string): Error {
  let detail = body.slice(0, 300);
  try {
    const problem = JSON.parse(body) as { code?: string; detail?: string };
    detail = `${problem.code ?? ''} ${problem.detail ?? ''}`.trim();
  } catch {
    // Not a problem+json: the text is what there is to say.
  }
  const message = `refused with ${status}: ${detail}`;
  return status === 429 || status >= 500 ? new Error(message) : new Refusal(message);
}
