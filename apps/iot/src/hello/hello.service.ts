import type { AuditLog } from '@tidegate/audit';
import { deviceCertificateOf, type DeviceTokens } from '@tidegate/auth';
import type { DeviceCatalog, LiveCatalog } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import type { RateLimiter } from '@tidegate/ratelimit';
import type { Logger } from '@tidegate/telemetry';
import type { Hello, Welcome } from '@tidegate/wire';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { deviceKey, type Device } from '../connection/device';
import type { DeviceConnection } from '../connection/device-connection';
import type { DeviceSessions } from '../connection/device-sessions';
import type { ConnectionMetrics } from '../connection/metrics';
import type { ConnectionOptions } from '../connection/options';
import { resume, type Progress, type ProgressStore } from '../connection/progress';
import { nextSeq } from '../connection/sequence';
import { SessionAudit } from '../connection/session-audit';
import type { SessionNotices } from '../connection/session-notices';

export interface HelloDeps {
  tokens: DeviceTokens;
  catalog: Pick<LiveCatalog<DeviceCatalog>, 'current' | 'onChange'>;
  sessions: DeviceSessions;
  progress: ProgressStore;
  /** Undefined without Redis. */
  notices: SessionNotices | undefined;
  limiter: RateLimiter;
  audit: AuditLog;
  metrics: ConnectionMetrics;
  options: ConnectionOptions;
  logger: Logger;
}

interface Belief {
  /** Replaces the device's, if there is one. */
  nextToken: Buffer | undefined;
  endsAtMs: number | undefined;
}

const legalTenant = /^[a-z][a-z0-9-]{0,62}$/;
/** What a URN of RFC 9039 and a Kafka key can carry. */
const legalDevice = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** A device that was taken over stays away for this long, or its twin and it would go on for ever. */
const takenRetryMs = 5_000;
const notServed = 'The tenant is not served here.';

/** Believes devices, and tells them where to go on. */
export class HelloService {
  constructor(private readonly deps: HelloDeps) {
    deps.notices?.listen((key, number) => this.yield(key, number));
    deps.catalog.onChange(({ tenants }) => this.endOthers(tenants));
  }

  /** @throws AppError that ends the connection */
  async welcome(hello: Hello, connection: DeviceConnection): Promise<Welcome> {
    const { sessions, progress, metrics, audit, logger } = this.deps;
    const { nextToken, endsAtMs } = await this.admit(hello, connection);
    const key = deviceKey(hello);
    const delayMs = sessions.delayMs(key, Date.now());
    if (delayMs > 0) await delay(delayMs);
    const holder = sessions.of(key);
    if (holder?.device !== undefined) progress.write(key, holder.progress(holder.device));
    const [known, sessionNumber] = await Promise.all([progress.read(key), this.deps.notices?.next()]);
    if (!connection.isWelcoming) throw new AppError('unavailable', 'The connection ended.');
    if (!this.deps.catalog.current.tenants.has(hello.tenant)) throw new AppError('permission_denied', notServed);
    const device = this.device(hello, { sessionNumber, endsAtMs });
    const lanes = resume(known, device);
    connection.open(device, lanes, new SessionAudit(audit, device, connection.address));
    const before = sessions.take(device, connection, Date.now());
    before?.goodbye('sessionTaken', { retryAfterMs: takenRetryMs + delayMs });
    if (sessionNumber !== undefined) this.deps.notices?.announce(key, sessionNumber);
    metrics.devices.set(sessions.size);
    logger.debug({ device: key, bootId: device.bootId, takenOver: before !== undefined }, 'device is here');
    return this.answer(device, lanes, nextToken);
  }

  private async admit(hello: Hello, { socket, address }: DeviceConnection): Promise<Belief> {
    if (!legalTenant.test(hello.tenant) || !legalDevice.test(hello.deviceId)) {
      throw new AppError('invalid_argument', 'tenant or device_id is missing or has characters that are not allowed.');
    }
    try {
      const belief = this.believe(hello, socket);
      await this.count(hello);
      return belief;
    } catch (error) {
      SessionAudit.refused(this.deps.audit, hello, { address, outcome: AppError.from(error).code });
      throw error;
    }
  }

  private async count(hello: Hello): Promise<void> {
    const { admitted, retryAfterMs } = await this.deps.limiter.admit([
      { limit: 'device-hello', key: deviceKey(hello) },
      { limit: 'tenant-hello', key: hello.tenant },
    ]);
    if (!admitted) throw new AppError('rate_limited', 'Too many Hellos.', { retryAfterMs });
  }

  /** By its certificate, by its token, or by both where it sends both. */
  private believe(hello: Hello, socket: Socket): Belief {
    const { tokens, catalog } = this.deps;
    const certificate = deviceCertificateOf(socket);
    if (certificate?.devices.includes(deviceKey(hello)) === false) {
      throw new AppError('unauthenticated', 'The certificate is of another device.');
    }
    const needsToken = certificate === undefined || hello.token.length > 0;
    const token = needsToken ? tokens.verify(hello.token, hello) : {};
    if (!catalog.current.tenants.has(hello.tenant)) throw new AppError('permission_denied', notServed);
    const ends = [certificate?.endsAtMs, token.endsAtMs].filter((end) => end !== undefined);
    return { nextToken: token.next, endsAtMs: ends.length === 0 ? undefined : Math.min(...ends) };
  }

  /** Devices of tenants that there are no more. */
  private endOthers(tenants: DeviceCatalog['tenants']): void {
    for (const connection of this.deps.sessions.all()) {
      if (connection.device !== undefined && !tenants.has(connection.device.tenant)) {
        connection.goodbye('forbidden', { detail: notServed });
      }
    }
  }

  private yield(key: string, number: number): void {
    this.deps.sessions.yield(key, number)?.goodbye('sessionTaken', { retryAfterMs: takenRetryMs });
    this.deps.metrics.devices.set(this.deps.sessions.size);
  }

  private device(hello: Hello, { sessionNumber, endsAtMs }: Pick<Device, 'sessionNumber' | 'endsAtMs'>): Device {
    const { catalog } = this.deps;
    const { schemaId } = hello;
    const { minKeepaliveS, maxKeepaliveS, defaultKeepaliveS } = this.deps.options;
    const wished = hello.keepaliveS === 0 ? defaultKeepaliveS : hello.keepaliveS;
    return {
      tenant: hello.tenant,
      deviceId: hello.deviceId,
      bootId: hello.bootId,
      keepaliveS: Math.min(Math.max(wished, minKeepaliveS), maxKeepaliveS),
      get schema() {
        return catalog.current.schemas.get(schemaId);
      },
      helloAtMs: Date.now(),
      helloUptimeMs: hello.uptimeMs,
      sessionNumber,
      endsAtMs,
    };
  }

  private answer(device: Device, lanes: Progress & { isNewBoot: boolean }, nextToken: Buffer | undefined): Welcome {
    const { maxFrameBytes, windowFrames, windowBytes, backlogWindowFrames } = this.deps.options;
    const resumeSeq = (acked: number) => (acked === 0 ? Number(lanes.isNewBoot) : nextSeq(acked));
    return {
      kind: 'welcome',
      ...{ maxFrameBytes, windowFrames, windowBytes, backlogWindowFrames },
      keepaliveS: device.keepaliveS,
      liveResumeSeq: resumeSeq(lanes.live),
      backlogResumeSeq: resumeSeq(lanes.backlog),
      serverTimeMs: device.helloAtMs,
      ...(nextToken !== undefined && { nextToken }),
    };
  }
}
