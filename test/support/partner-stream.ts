import { once } from 'node:events';
import WebSocket from 'ws';

/** A stream of a partner over WebSocket, of which only the end matters. */
export class PartnerStream {
  /** Close code and time. */
  readonly ended: Promise<{ code: number; atMs: number }>;

  private constructor(private readonly socket: WebSocket) {
    this.ended = new Promise((resolve) => socket.once('close', (code) => resolve({ code, atMs: Date.now() })));
  }

  static async open(url: string, headers: Record<string, string>): Promise<PartnerStream> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/streams/transactions`, ['tidegate.v1'], { headers });
    const stream = new PartnerStream(socket);
    await once(socket, 'message');
    return stream;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  cut(): void {
    this.socket.terminate();
  }
}
