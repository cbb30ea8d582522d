import { parseJson, subprotocol, type JsonObject } from '@tidegate/contracts';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

interface Frame {
  t: string;
  c?: string;
  r?: JsonObject[];
  reason?: string;
  code?: string;
}

/** A phone: remembers what it was sent and the cursor to resume from. */
export class WebSocketClient {
  readonly frames: Frame[] = [];
  readonly rows: JsonObject[] = [];
  cursor: string | undefined;
  closeCode: number | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('error', () => undefined);
    socket.on('close', (code) => (this.closeCode = code));
    socket.on('message', (data: Buffer) => this.take(parseJson(data.toString()) as unknown as Frame));
  }

  /** Opens the stream at `url` and resolves once it is live. */
  static async open(
    url: string,
    token: string,
    start: { after?: string; from?: string; sub?: string; mode?: string } = {},
  ): Promise<WebSocketClient> {
    const target = new URL(url);
    for (const [name, value] of Object.entries(start)) target.searchParams.set(name, value);
    const socket = new WebSocket(target, [subprotocol], { headers: { authorization: `Bearer ${token}` } });
    const client = new WebSocketClient(socket);
    await once(socket, 'open');
    await client.until(() => client.frames.some(({ t }) => t === 'caught-up'), 'caught up');
    return client;
  }

  /** How opening the stream at `url` is refused; 101 where it is not. */
  static async refusal(url: string, token: string): Promise<{ status: number; retryAfter: string | undefined }> {
    const socket = new WebSocket(url, [subprotocol], { headers: { authorization: `Bearer ${token}` } });
    socket.on('error', () => undefined);
    const opened = once(socket, 'upgrade') as Promise<[IncomingMessage]>;
    const refused = once(socket, 'unexpected-response').then(([, response]) => [response as IncomingMessage] as const);
    const [response] = await Promise.race([opened, refused]);
    response.resume();
    socket.terminate();
    return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
  }

  get gaps(): string[] {
    return this.frames.flatMap(({ t, reason }) => (t === 'gap' && reason !== undefined ? [reason] : []));
  }

  get errors(): string[] {
    return this.frames.flatMap(({ t, code }) => (t === 'error' && code !== undefined ? [code] : []));
  }

  /** Breaks the connection as a lost network does: no close frame. */
  cut(): void {
    this.socket.terminate();
  }

  /** Takes nothing any more, until `resume()`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.socket.close(1000);
  }

  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`not ${what} after ${timeoutMs} ms: ${JSON.stringify(this.frames.slice(-5))}`);
      await sleep(10);
    }
  }

  async untilRows(field: string, values: readonly string[], timeoutMs?: number): Promise<void> {
    const has = (value: string): boolean => this.rows.some((row) => row[field] === value);
    await this.until(() => values.every(has), `sent ${field} ${values.join(', ')}`, timeoutMs);
  }

  private take(frame: Frame): void {
    this.frames.push(frame);
    this.rows.push(...(frame.r ?? []));
    this.cursor = frame.c ?? this.cursor;
  }
}
