import type { ModulesContainer } from '@nestjs/core';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Access } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { portProblem } from '@tidegate/telemetry';
import type { ClientFrame, ServerFrame } from '@tidegate/wire';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { isObservable, lastValueFrom } from 'rxjs';
import { Connections, type ConnectionsDeps, type ConnectionsOptions } from './connection/connections';
import type { DeviceContext } from './connection/device-context';
import { listOpcodes } from './connection/opcodes';

export interface DeviceServerOptions extends ConnectionsOptions {
  /** Without TLS, on loopback only. */
  plain: { port: number } | undefined;
  tls: { host: string; port: number; certificateFile: string; keyFile: string; authoritiesFile?: string } | undefined;
}

interface Served {
  handler: MessageHandler<ClientFrame, DeviceContext, ServerFrame | undefined>;
  access: Access;
}

const alpn = 'tidegate-iot/1';
const handshakeTimeoutMs = 10_000;
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

/** Nest's transport for devices: TCP and TLS listeners whose frames go to the `@MessagePattern` of their kind. */
export class DeviceServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('tidegate.iot');
  private readonly connections: Connections;
  private readonly listeners: NetServer[] = [];
  private readonly served = new Map<string, Served>();

  constructor(
    private readonly options: DeviceServerOptions,
    private readonly modules: ModulesContainer,
    private readonly deps: Omit<ConnectionsDeps, 'handle'>,
  ) {
    super();
    const handle = (frame: ClientFrame, context: DeviceContext) => this.handle(frame, context);
    this.connections = new Connections(options, { ...deps, handle });
  }

  /** Where it listens, in the order plain, TLS. */
  get ports(): number[] {
    return this.listeners.map((listener) => (listener.address() as AddressInfo).port);
  }

  override listen(done: (error?: unknown) => void): void {
    this.open().then(() => done(), done);
  }

  /** Stops accepting, then ends every connection in order. */
  override async close(): Promise<void> {
    const closed = this.listeners.map((listener) => new Promise((resolve) => listener.close(resolve)));
    await this.connections.drain();
    await Promise.all(closed);
  }

  override on(): never {
    throw new Error('devices give no events; declare a @MessagePattern');
  }

  override unwrap<T>(): T {
    return this.listeners as T;
  }

  private async open(): Promise<void> {
    this.readAccess();
    const { plain, tls } = this.options;
    if (plain !== undefined) {
      const listener = createServer(socketOptions, (socket) => {
        if (this.connections.admit(socket)) this.connections.serve(socket);
      });
      await this.listenOn(listener, { host: '127.0.0.1', port: plain.port, portVariable: 'IOT_TCP_PORT' });
    }
    if (tls !== undefined) await this.listenOn(this.tlsListener(tls), { ...tls, portVariable: 'IOT_TLS_PORT' });
  }

  private tlsListener({
    certificateFile,
    keyFile,
    authoritiesFile,
  }: NonNullable<DeviceServerOptions['tls']>): NetServer {
    const listener = createTlsServer({
      ...socketOptions,
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.3',
      ALPNProtocols: [alpn],
      // A device without a certificate sends a token; one with a bad certificate is told so at Hello.
      ...(authoritiesFile !== undefined && {
        ca: readFileSync(authoritiesFile),
        requestCert: true,
        rejectUnauthorized: false,
      }),
      handshakeTimeout: handshakeTimeoutMs,
    });
    listener.on('connection', (socket: Socket) => this.connections.admit(socket));
    listener.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === alpn) this.connections.serve(socket);
      else socket.destroy();
    });
    // A handshake that fails is the peer's matter.
    listener.on('tlsClientError', (_error, socket) => socket.destroy());
    return listener;
  }

  private async listenOn(
    listener: NetServer,
    door: { host: string; port: number; portVariable: string },
  ): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen({ host: door.host, port: door.port }, resolve);
      });
    } catch (error) {
      throw portProblem(error, door);
    }
    listener.on('error', (error) => this.deps.logger.error({ err: error }, 'listener failed'));
    this.listeners.push(listener);
  }

  /** Who may send what is settled before the first device connects: a kind without declared access is not served. */
  private readAccess(): void {
    for (const { opcode, handler: name, access } of listOpcodes(this.modules)) {
      const handler = this.getHandlerByPattern(opcode) as Served['handler'] | null;
      if (handler === null) continue;
      if (access === undefined) throw new AppError('invalid_config', `${name} declares no access.`);
      this.served.set(opcode, { handler, access });
    }
  }

  private async handle(frame: ClientFrame, context: DeviceContext): Promise<ServerFrame | undefined> {
    const served = this.served.get(frame.kind);
    if (served === undefined) throw new AppError('method_not_allowed', `Frames of kind ${frame.kind} are not served.`);
    if (served.access.kind !== 'public' && context.connection.device === undefined) {
      throw new AppError('unauthenticated', 'Say Hello first.');
    }
    const answer: unknown = await served.handler(frame, context);
    return (isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer) as
      ServerFrame | undefined;
  }
}
