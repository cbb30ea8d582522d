import type { SessionSink, Spoke } from '@tidegate/streams';
import type { ServerResponse } from 'node:http';

export interface SseStreamOptions {
  retryMs: number;
  /** How long the last bytes may take before the connection is cut. */
  closeTimeoutMs: number;
}

/**
 * One session as Server-Sent Events. Cursors are base64url and JSON texts hold no CR or LF, so no field can be broken
 * out of, whatever a row says.
 */
export class SseStream implements SessionSink, Spoke {
  constructor(
    private readonly response: ServerResponse,
    private readonly options: SseStreamOptions,
  ) {}

  /** The first bytes, so that proxies and clients see that the stream is open. */
  start(): void {
    this.response.write(`retry: ${this.options.retryMs}\n\n`);
  }

  /** A comment. */
  beat(): void {
    if (this.response.writableLength === 0) this.response.write(':\n\n');
  }

  rows(json: string, _count: number, cursor: string): void {
    this.event('rows', json, cursor);
  }
  gone(json: string, _count: number, cursor: string): void {
    this.event('gone', json, cursor);
  }
  gap(reason: string, cursor: string): void {
    this.event('gap', JSON.stringify({ reason }), cursor);
  }
  caughtUp(cursor: string): void {
    this.event('caught-up', '{}', cursor);
  }
  cursor(cursor: string): void {
    this.event('cursor', '{}', cursor);
  }
  expiring(inSeconds: number): void {
    this.event('expiring', JSON.stringify({ inSeconds }));
  }

  unavailable(detail: string): void {
    this.event('error', JSON.stringify({ code: 'unavailable', detail }));
  }

  bye(code: string, retryMs: number): void {
    this.event('bye', JSON.stringify({ code, retryMs }));
    const { socket } = this.response;
    // Kept alive for the next request of its client, the connection would keep a server open that is to end.
    this.response.end(() => code === 'restart' && socket?.end());
    const cut = setTimeout(() => this.response.destroy(), this.options.closeTimeoutMs).unref();
    this.response.once('close', () => clearTimeout(cut));
  }

  bufferedBytes(): number {
    return this.response.writableLength;
  }

  private event(name: string, json: string, cursor?: string): void {
    const id = cursor === undefined ? '' : `id: ${cursor}\n`;
    this.response.write(`event: ${name}\n${id}data: ${json}\n\n`);
  }
}
