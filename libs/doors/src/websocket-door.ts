import { bearerToken, type Access } from '@tidegate/auth';
import { subprotocol } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { RouteEntry } from '@tidegate/http';
import { Wheel } from '@tidegate/streams';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ConnectionCount } from './connection-count';
import type { StreamPath } from './options';
import { parseStartQuery, startOf } from './start-query';
import { refuseUpgrade } from './upgrade-refusal';
import { WebSocketConnection, type ConnectionDeps } from './websocket-connection';

export interface WebSocketDoorDeps extends ConnectionDeps {
  paths: readonly StreamPath[];
  connections: ConnectionCount;
}

const stepMs = 1_000;

/** WebSocket upgrades of an HTTP server: at bound paths, at `/streams/<name>`, and at `/streams` for any number of streams. */
export class WebSocketDoor {
  private readonly server: WebSocketServer;
  private readonly open = new Set<WebSocketConnection>();
  private readonly wheel: Wheel;
  private draining = false;

  constructor(private readonly deps: WebSocketDoorDeps) {
    const { maxFrameBytes, pingMs } = deps.settings;
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxFrameBytes,
      // Measured: 14 times the CPU and 230 KB a socket.
      perMessageDeflate: false,
      handleProtocols: () => subprotocol,
    });
    const onStep = (nowMs: number) => {
      for (const connection of this.open) connection.checkExpiry(nowMs);
    };
    this.wheel = new Wheel(Math.min(stepMs, pingMs), pingMs, { onStep, now: Date.now });
  }

  attach(server: Server): void {
    // Other upgrades (curl --http2 offers h2c) are ordinary requests to us.
    Object.assign(server, { shouldUpgradeCallback: isWebSocket });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Nobody else listens until the upgrade is done, and a reset meanwhile must not end the process.
      socket.on('error', () => socket.destroy());
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      this.upgrade(request, socket, head).catch((error: unknown) => {
        refuseUpgrade(socket, error, path.slice(0, 256), this.deps.logger);
      });
    });
  }

  /** Every path that can be upgraded, with the access it declares. */
  list(): RouteEntry[] {
    const entry = (path: string, access: Access) => ({
      method: 'WEBSOCKET',
      path,
      handler: WebSocketDoor.name,
      access,
    });
    const bound = this.deps.paths.map(({ path, stream }) => entry(path, { kind: 'required', resource: stream }));
    return [...bound, entry('/streams', { kind: 'required' }), entry('/streams/:name', { kind: 'required' })];
  }

  /** Ends what the hub's own drain has not, connections that follow nothing, and takes no more. */
  drain(): void {
    this.draining = true;
    for (const connection of this.open) connection.end('restart');
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const stream = this.streamAt(path);
    this.checkHandshake(request);
    if (this.draining) throw new AppError('unavailable', 'This server is about to restart; connect again.');
    const token = bearerToken(request);
    if (token === undefined) throw new AppError('unauthenticated', 'A valid access token is needed.');
    const principal = await this.deps.authenticator.bearer(token);
    const query = parseStartQuery(new URLSearchParams(search));
    if (stream === undefined && search !== '') {
      throw new AppError('invalid_argument', 'Streams are chosen by frames here; leave the query out.');
    }
    await this.connect(
      { request, socket, head },
      new WebSocketConnection(randomUUID(), principal, this.deps),
      async (to) => {
        if (stream !== undefined) await to.subscribe(stream, startOf(query));
      },
    );
  }

  private async connect(
    { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
    connection: WebSocketConnection,
    prepare: (connection: WebSocketConnection) => Promise<void>,
  ): Promise<void> {
    if (socket.destroyed) return;
    const release = this.deps.connections.take('websocket');
    socket.once('close', () => {
      this.open.delete(connection);
      this.wheel.remove(connection);
      connection.leave();
      release();
    });
    await prepare(connection);
    // Gone while we were waiting: `leave` has ended, or will end, what it subscribed to.
    if (socket.destroyed) return;
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      this.open.add(connection);
      this.wheel.add(connection);
      connection.open(webSocket);
    });
  }

  private streamAt(pathname: string): string | undefined {
    const bound = this.deps.paths.find(({ path }) => path === pathname);
    if (bound !== undefined) return bound.stream;
    if (pathname === '/streams') return undefined;
    const name = /^\/streams\/([^/]{1,256})$/.exec(pathname)?.[1];
    if (name === undefined) throw new AppError('not_found', 'There is nothing here.');
    try {
      return decodeURIComponent(name);
    } catch (cause) {
      throw new AppError('not_found', 'There is no such stream.', { cause });
    }
  }

  private checkHandshake({ method, headers }: IncomingMessage): void {
    const key = headers['sec-websocket-key'];
    if (method !== 'GET' || headers['sec-websocket-version'] !== '13' || !/^[+/0-9A-Za-z]{22}==$/.test(key ?? '')) {
      throw new AppError('malformed', 'Send a WebSocket handshake of version 13.');
    }
    const { origin } = headers;
    if (origin !== undefined && !this.deps.settings.allowedOrigins.includes(origin)) {
      throw new AppError('permission_denied', 'Pages of this origin may not connect.');
    }
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
    if (!offered.includes(subprotocol)) {
      throw new AppError('invalid_argument', `Sec-WebSocket-Protocol: Offer ${subprotocol}.`);
    }
  }
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}
