import type { Logger } from '@tidegate/telemetry';
import type { ClientFrame, ServerFrame } from '@tidegate/wire';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AcceptLimits, type AcceptOptions } from './accept-limits';
import { deviceKey } from './device';
import { DeviceConnection, type ConnectionHost } from './device-connection';
import type { DeviceContext } from './device-context';
import type { DeviceSessions } from './device-sessions';
import type { ConnectionMetrics } from './metrics';
import type { ConnectionOptions } from './options';
import type { ProgressStore } from './progress';
import type { Room } from './room';

export interface ConnectionsOptions {
  connection: ConnectionOptions;
  accept: AcceptOptions;
  /** What a restart may take until Kafka has what is under way. */
  drainMs: number;
  /** Devices are told to come back within this, each at a time of its own. */
  restartSpreadMs: number;
}

export interface ConnectionsDeps {
  sessions: DeviceSessions;
  progress: ProgressStore;
  room: Room;
  metrics: ConnectionMetrics;
  logger: Logger;
  handle(frame: ClientFrame, context: DeviceContext): Promise<ServerFrame | undefined>;
}

/** Time limits are kept to about this. */
const sweepMs = 250;
const forgetMs = 10_000;
const goodbyeMs = 2_000;

/** All connections of the process: who gets in, what takes too long, and an orderly end. */
export class Connections implements ConnectionHost {
  private readonly all = new Set<DeviceConnection>();
  private readonly limits: AcceptLimits;
  private toFlush: DeviceConnection[] = [];
  private readonly timers: NodeJS.Timeout[];

  constructor(
    private readonly settings: ConnectionsOptions,
    private readonly deps: ConnectionsDeps,
  ) {
    this.limits = new AcceptLimits(settings.accept);
    this.timers = [setInterval(() => this.sweep(), sweepMs), setInterval(() => this.forget(), forgetMs)];
    for (const timer of this.timers) timer.unref();
  }

  get options(): ConnectionOptions {
    return this.settings.connection;
  }

  get metrics(): ConnectionMetrics {
    return this.deps.metrics;
  }

  /** Judges a connection before a byte is read. @returns whether it stays */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const reason = address === '' ? 'gone' : this.limits.enter(address, Date.now());
    if (reason !== undefined) {
      this.metrics.turnedAway.inc({ reason });
      socket.destroy();
      return false;
    }
    socket.once('close', () => this.limits.leave(address));
    return true;
  }

  /** Speaks with a device over a socket that was admitted. */
  serve(socket: Socket): void {
    const connection = new DeviceConnection(socket, socket.remoteAddress ?? '', this);
    this.all.add(connection);
    this.metrics.connections.inc();
    socket.once('close', () => this.closed(connection));
  }

  handle(frame: ClientFrame, context: DeviceContext): Promise<ServerFrame | undefined> {
    return this.deps.handle(frame, context);
  }

  hasRoom(connection: DeviceConnection): boolean {
    return this.deps.room.has(connection);
  }

  flushSoon(connection: DeviceConnection): void {
    if (this.toFlush.length === 0) setImmediate(() => this.flush());
    if (this.toFlush.at(-1) !== connection) this.toFlush.push(connection);
  }

  unexpected(error: unknown, { address, device }: DeviceConnection): void {
    const about = device === undefined ? { address } : { address, device: deviceKey(device) };
    this.deps.logger.error({ err: error, ...about }, 'frame failed');
  }

  /** What is under way is acknowledged as far as Kafka has it in time; then everybody is told to come back. */
  async drain(): Promise<void> {
    for (const connection of this.all) connection.stopReading();
    const endMs = Date.now() + this.settings.drainMs;
    while (Date.now() < endMs && [...this.all].some(({ inFlight }) => inFlight > 0)) await delay(10);
    for (const connection of this.all) {
      const retryAfterMs = Math.round(Math.random() * this.settings.restartSpreadMs);
      connection.goodbye('restart', { retryAfterMs });
    }
    const closedMs = Date.now() + goodbyeMs;
    while (Date.now() < closedMs && this.all.size > 0) await delay(10);
    for (const connection of this.all) connection.destroy();
    for (const timer of this.timers) clearInterval(timer);
    await this.deps.progress.flush();
  }

  private flush(): void {
    const connections = this.toFlush;
    this.toFlush = [];
    for (const connection of connections) {
      connection.flush();
      this.remember(connection);
    }
  }

  /** Only of the connection that is its device's own: an old one must not undo what a newer boot has. */
  private remember(connection: DeviceConnection): void {
    const { device } = connection;
    if (device === undefined || this.deps.sessions.of(deviceKey(device)) !== connection) return;
    this.deps.progress.write(deviceKey(device), connection.progress(device));
  }

  private closed(connection: DeviceConnection): void {
    connection.closed();
    this.all.delete(connection);
    this.metrics.connections.dec();
    this.deps.room.forget(connection);
    this.remember(connection);
    this.deps.sessions.leave(connection);
    this.metrics.devices.set(this.deps.sessions.size);
  }

  private sweep(): void {
    const nowMs = Date.now();
    for (const connection of this.all) connection.checkTime(nowMs);
  }

  private forget(): void {
    this.limits.sweep(Date.now());
    this.deps.sessions.sweep(Date.now());
  }
}
