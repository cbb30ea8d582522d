import type { ClientFrame } from '@tidegate/contracts';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { SubscribeFields } from './connection';

export interface Visit {
  transport: 'websocket' | 'sse';
  token: string;
  start: SubscribeFields;
  /** A frame as WebSockets have it, or the text of an event. */
  say: (frame: object | string) => void;
  close: (code?: number) => void;
  cut: () => void;
}

type Answer = [status: number, body: object, headers?: Record<string, string>];

/** Speaks the protocol for one stream, whose row n has the cursor `c<n>`. */
export class LoopbackDoors {
  /** Rows from 1 on. */
  rows = 3;
  heartbeatSeconds = 25;
  readonly visits: Visit[] = [];
  readonly asked: string[] = [];
  readonly heard: ClientFrame[] = [];
  readonly posted: object[] = [];
  /** How the next requests are answered instead. */
  readonly answers: Answer[] = [];
  refuseWebSockets = false;
  /** Takes requests and answers none. */
  deaf = false;
  /** Says nothing by itself any more. */
  silent = false;
  private readonly tickets = new Map<string, string>();
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    const door = new WebSocketServer({ noServer: true, handleProtocols: () => 'tidegate.v1' });
    server.on('connection', (socket: Socket) => this.sockets.add(socket));
    server.on('request', (request, response) => void this.answer(request, response));
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => undefined);
      const ticket = /ticket\.(\S+)/.exec(request.headers['sec-websocket-protocol'] ?? '')?.[1] ?? '';
      const token = this.tickets.get(ticket);
      this.tickets.delete(ticket);
      if (token === undefined || this.refuseWebSockets) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      door.handleUpgrade(request, socket, head, (webSocket) => this.talk(webSocket, socket, token));
    });
  }

  static async open(): Promise<LoopbackDoors> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new LoopbackDoors(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get last(): Visit {
    const visit = this.visits.at(-1);
    if (visit === undefined) throw new Error('nobody has come');
    return visit;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private talk(webSocket: WebSocket, socket: Socket, token: string): void {
    const say = (frame: object | string) => webSocket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    webSocket.on('error', () => undefined);
    webSocket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ClientFrame;
      this.heard.push(frame);
      if (frame.t !== 'sub') return;
      const { t: _, s: __, ...start } = frame;
      const close = (code = 1000) => webSocket.close(code);
      const cut = () => socket.resetAndDestroy();
      this.visits.push({ transport: 'websocket', token, start, say, close, cut });
      this.replay(start, (n) => say({ t: 'rows', s: 'orders', c: `c${n}`, r: [{ n }] }));
      if (!this.silent) say({ t: 'caught-up', s: 'orders', c: `c${this.rows}` });
    });
    say({ t: 'hello', session: 's1', heartbeatSeconds: this.heartbeatSeconds });
  }

  private replay({ after = 'c0' }: SubscribeFields, give: (n: number) => void): void {
    for (let n = Number(after.slice(1)) + 1; n <= this.rows && !this.silent; n++) give(n);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '', headers } = request;
    const token = (headers.authorization ?? '').replace('Bearer ', '');
    this.asked.push(`${method} ${url}`);
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (this.deaf) return;
    const [status, problem, others = {}] = this.answers.shift() ?? [0, {}];
    if (status !== 0) return void response.writeHead(status, others).end(JSON.stringify(problem));
    if (url === '/stream-tickets') {
      const ticket = `t${this.asked.length}`;
      this.tickets.set(ticket, token);
      return void response.writeHead(201).end(JSON.stringify({ ticket, expiresIn: 30 }));
    }
    if (method === 'POST') {
      this.posted.push(JSON.parse(body) as object);
      return void response.writeHead(204).end();
    }
    this.stream(new URL(url, 'http://x').searchParams, request, response, token);
  }

  private stream(query: URLSearchParams, request: IncomingMessage, response: ServerResponse, token: string): void {
    const after = request.headers['last-event-id'];
    const start = { ...Object.fromEntries(query), ...(typeof after === 'string' && { after }) };
    const say = (text: object | string) => response.write(typeof text === 'string' ? text : '');
    const close = () => response.end();
    const cut = () => request.socket.resetAndDestroy();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 3000\n\n');
    this.visits.push({ transport: 'sse', token, start, say, close, cut });
    this.replay(start, (n) => say(`event: rows\nid: c${n}\ndata: [{"n":${n},"text":"grün"}]\n\n`));
    if (!this.silent) say(`event: caught-up\nid: c${this.rows}\ndata: {}\n\n`);
  }
}

/** Passes bytes on, and breaks everything off when so many have gone to the clients, and so many more, and so on. */
export class CuttingProxy {
  passed = 0;
  private left: number;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: TcpServer,
    private readonly next: () => number,
  ) {
    this.left = next();
  }

  static async open(port: number, next: () => number): Promise<CuttingProxy> {
    const server = createTcpServer();
    const proxy = new CuttingProxy(server, next);
    server.on('connection', (client) => proxy.pass(client, connect(port, '127.0.0.1')));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.breakOff();
  }

  private breakOff(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  private pass(client: Socket, server: Socket): void {
    for (const [socket, peer] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => peer.destroy());
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      const { left } = this;
      this.passed += Math.min(left, bytes.length);
      this.left -= bytes.length;
      if (this.left > 0) return void client.write(bytes);
      this.left = this.next();
      client.write(bytes.subarray(0, left), () => this.breakOff());
    });
  }
}
