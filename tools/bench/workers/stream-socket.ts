import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface Door {
  protocol: 'websocket' | 'sse';
  port: number;
  path: string;
  token: string;
  /** What the server says once a client is live; without it a client is once it is connected. */
  ready: string;
}

const [text, close, ping, pong] = [1, 8, 9, 10];
const headEnd = Buffer.from('\r\n\r\n');
const openTimeoutMs = 30_000;

/** One client on a bare socket, many times cheaper than a library, so that a thousand of them leave the server its processor. */
export class StreamSocket {
  /** Why the server has closed the connection. */
  closedBy: string | undefined;
  private readonly socket: Socket;
  private rest: Buffer | undefined;
  private upgraded = false;
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /** `take` gets what came, text frames alone or the body of the answer, and returns how much of it was used. */
  constructor(
    private readonly door: Door,
    private readonly take: (bytes: Buffer) => number,
  ) {
    this.socket = connect({ host: '127.0.0.1', port: door.port, noDelay: true });
    this.socket.on('data', (bytes) => this.onBytes(bytes));
    this.socket.on('error', (error) => this.fail(error.message));
    this.socket.on('close', () => this.fail('closed'));
  }

  /** Resolves once it is live. @throws Error when it is refused */
  open(): Promise<void> {
    this.socket.write(`${requestOf(this.door)}\r\n`);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this.fail('not live in time'), openTimeoutMs);
      const settled =
        <T extends unknown[]>(then: (...with_: T) => void) =>
        (...values: T) => {
          clearTimeout(late);
          this.settle = undefined;
          then(...values);
        };
      this.settle = { resolve: settled(resolve), reject: settled(reject) };
    });
  }

  end(): void {
    this.socket.removeAllListeners('close').destroy();
  }

  private onBytes(received: Buffer): void {
    let bytes = this.rest === undefined ? received : Buffer.concat([this.rest, received]);
    this.rest = undefined;
    if (!this.upgraded) {
      const end = bytes.indexOf(headEnd);
      if (end < 0) return void (this.rest = bytes);
      const expected = this.door.protocol === 'sse' ? '200' : '101';
      if (bytes.toString('latin1', 9, 12) !== expected) return this.fail(bytes.toString('latin1', 0, 1_000));
      this.upgraded = true;
      if (this.door.ready === '') this.settle?.resolve();
      bytes = bytes.subarray(end + headEnd.length);
    }
    const used = this.door.protocol === 'sse' ? this.onText(bytes) : this.onFrames(bytes);
    if (used < bytes.length) this.rest = Buffer.from(bytes.subarray(used));
  }

  private onText(bytes: Buffer): number {
    if (this.settle !== undefined && bytes.includes(this.door.ready)) this.settle.resolve();
    return this.take(bytes);
  }

  private onFrames(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= 2) {
      const size = (bytes[at + 1] ?? 0) & 127;
      const head = size === 127 ? 10 : size === 126 ? 4 : 2;
      if (bytes.length - at < head) break;
      const length =
        size === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : size === 126 ? bytes.readUInt16BE(at + 2) : size;
      const end = at + head + length;
      if (bytes.length < end) break;
      this.onFrame((bytes[at] ?? 0) & 15, bytes.subarray(at + head, end));
      at = end;
    }
    return at;
  }

  private onFrame(kind: number, payload: Buffer): void {
    if (kind === text) this.onText(payload);
    // A mask of zeros changes nothing.
    else if (kind === ping) this.socket.write(Buffer.from([0x80 | pong, 0x80, 0, 0, 0, 0]));
    else if (kind === close) this.fail(`close ${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`);
  }

  private fail(reason: string): void {
    this.closedBy ??= reason;
    this.settle?.reject(new Error(reason));
    this.socket.destroy();
  }
}

function requestOf({ protocol, port, path, token }: Door): string {
  const ways = {
    sse: ['Accept: text/event-stream'],
    websocket: [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: tidegate.v1',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ],
  };
  const head = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Authorization: Bearer ${token}`, ...ways[protocol]];
  return head.map((line) => `${line}\r\n`).join('');
}

/** Opens all, some at a time. @throws Error when one is refused */
export async function openAll(sockets: readonly StreamSocket[], parallel = 50): Promise<void> {
  const left = [...sockets];
  const openNext = async () => {
    for (let socket = left.shift(); socket !== undefined; socket = left.shift()) await socket.open();
  };
  await Promise.all(Array.from({ length: parallel }, openNext));
}
