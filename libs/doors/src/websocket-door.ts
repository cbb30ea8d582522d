import { callerOf, type Authenticator, type Principal } from '@tidegate/auth';
import { subprotocol } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { httpStatus, type RouteEntry } from '@tidegate/http';
import type { CountedRequest } from '@tidegate/ratelimit';
import { Wheel } from '@tidegate/streams';
import { requestContext } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ConnectionCount } from './connection-count';
import { checkHandshake } from './handshake';
import type { StreamPath } from './options';
import { parseStartQuery, secretIn, startOf } from './start-query';
import { StreamPlaces } from './stream-places';
import type { Tickets } from './tickets';
import { UpgradeAttempt } from './upgrade-attempt';
import { refuseUpgrade } from './upgrade-refusal';
import { WebSocketConnection, type ConnectionDeps } from './websocket-connection';

export interface WebSocketDoorDeps extends ConnectionDeps {
  authenticator: Pick<Authenticator, 'bearer' | 'apiKey'> &
    Partial<Pick<Authenticator, 'certificate' | 'certificateOf'>>;
  tickets: Pick<Tickets, 'redeem'>;
  paths: readonly StreamPath[];
  connections: ConnectionCount;
  /** Counts upgrades; no guard of Nest sees them. */
  limits?: { admit(counted: CountedRequest): Promise<void> } | undefined;
}

interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

const stepMs = 1_000;

/** What came of an upgrade, by the status that its audit says. */
const outcomes = { 101: 'ok', 429: 'rate_limited', 499: 'client_gone' } as const;

/** WebSocket upgrades of an HTTP server: at bound paths, at `/streams/<name>`, and at `/streams` for any number of streams. */
export class WebSocketDoor {
  private readonly server: WebSocketServer;
  private readonly open = new Set<WebSocketConnection>();
  private readonly wheel: Wheel;
  private readonly places: StreamPlaces;
  private draining = false;

  constructor(private readonly deps: WebSocketDoorDeps) {
    this.places = new StreamPlaces(deps.paths);
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
      socket.on('error', cutOff);
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const attempt = new UpgradeAttempt(request, this.places.routeOf(path));
      const answer = () => this.answer({ request, socket, head }, attempt, path);
      void requestContext.run(attempt.context, answer);
    });
  }

  /** Every path that can be upgraded, with the access it declares. */
  list(): RouteEntry[] {
    return this.places.list().map((place) => ({ method: 'WEBSOCKET', handler: WebSocketDoor.name, ...place }));
  }

  /** Takes no more. */
  close(): void {
    this.draining = true;
  }

  /** What is open now. */
  get connections(): Iterable<WebSocketConnection> {
    return this.open;
  }

  private async answer(upgrade: Upgrade, attempt: UpgradeAttempt, path: string): Promise<void> {
    const { audit, logger } = this.deps;
    try {
      const status = await this.upgrade(upgrade, attempt, path);
      audit?.record(() => attempt.entry(status, outcomes[status]));
    } catch (error) {
      const { code } = AppError.from(error);
      refuseUpgrade(upgrade.socket, error, path.slice(0, 256), logger);
      audit?.record(() => attempt.entry(httpStatus(code), code));
    }
  }

  private async upgrade(upgrade: Upgrade, attempt: UpgradeAttempt, path: string): Promise<keyof typeof outcomes> {
    const { request, socket } = upgrade;
    const stream = this.places.streamAt(path);
    const ticket = checkHandshake(request, this.deps.settings.allowedOrigins);
    if (this.draining) throw new AppError('unavailable', 'This server is about to restart; connect again.');
    const search = new URLSearchParams((request.url ?? '').split('?', 2)[1] ?? '');
    const principal = (attempt.principal = await this.authenticate(request, ticket, search));
    await this.deps.limits?.admit({ request, principal, connection: socket });
    const query = parseStartQuery(search);
    if (stream === undefined && search.size > 0) {
      throw new AppError('invalid_argument', 'Streams are chosen by frames here; leave the query out.');
    }
    return this.connect(upgrade, new WebSocketConnection(randomUUID(), principal, this.deps), principal, async (to) => {
      if (stream !== undefined) await to.subscribe(stream, startOf(query));
    });
  }

  private async authenticate(
    request: IncomingMessage,
    ticket: string | undefined,
    search: URLSearchParams,
  ): Promise<Principal> {
    const { authenticator, tickets } = this.deps;
    const bare = request.headers.authorization === undefined && request.headers['x-api-key'] === undefined;
    if (ticket === undefined) {
      if (bare && secretIn(search)) {
        const detail =
          'Credentials in a URL are not read, and were seen by others: use a new one, in Authorization or a ticket.';
        throw new AppError('unauthenticated', detail);
      }
      return callerOf(request, authenticator);
    }
    if (!bare) throw new AppError('unauthenticated', 'Send a ticket or another credential, not both.');
    return tickets.redeem(ticket, request.headers.origin);
  }

  private async connect(
    { request, socket, head }: Upgrade,
    connection: WebSocketConnection,
    principal: Principal,
    prepare: (connection: WebSocketConnection) => Promise<void>,
  ): Promise<keyof typeof outcomes> {
    if (socket.destroyed) return 499;
    const release = this.takePlace(principal);
    if (AppError.is(release)) {
      this.server.handleUpgrade(request, socket, head, (webSocket) => {
        connection.open(webSocket);
        connection.turnAway(release);
      });
      return 429;
    }
    this.forgetAtClose(socket, connection, release);
    await prepare(connection);
    // Gone while we were waiting: `leave` has ended, or will end, what it subscribed to.
    if (socket.destroyed) return 499;
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      this.open.add(connection);
      this.wheel.add(connection);
      connection.open(webSocket);
      if (this.draining) connection.drain();
    });
    return 101;
  }

  // Here and not in `connect`, whose variables, request and headers among them, would live as long as the socket.
  private forgetAtClose(socket: Duplex, connection: WebSocketConnection, release: () => void): void {
    socket.once('close', () => {
      this.open.delete(connection);
      this.wheel.remove(connection);
      connection.leave();
      release();
    });
  }

  /** Pages see no status of an upgrade that was refused: who has too many connections is told by a frame. */
  private takePlace(principal: Principal): (() => void) | AppError {
    try {
      return this.deps.connections.take('websocket', principal);
    } catch (error) {
      if (AppError.is(error) && error.code === 'rate_limited') return error;
      throw error;
    }
  }
}

/** Knows its socket by `this`: a closure would keep the request as long as the socket lives. */
function cutOff(this: Duplex): void {
  this.destroy();
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}
