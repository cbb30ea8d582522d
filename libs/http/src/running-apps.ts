import type { DynamicModule, Type } from '@nestjs/common';
import { AppError } from '@tidegate/errors';
import {
  createRegistry,
  OpsServer,
  portProblem,
  type HealthCheck,
  type Logger,
  type LogLevel,
  type Registry,
} from '@tidegate/telemetry';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpApp, startDraining, stopAccepting, type HttpApp, type HttpAppOptions } from './http-app';

/** One HTTP application of the process. */
export interface AppSpec extends Omit<HttpAppOptions, 'logger' | 'registry'> {
  module: Type | DynamicModule;
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** The variable that sets the port, for the message when it is taken. */
  portVariable: string;
}

export interface RunAppOptions {
  /** Name of the process, in every log line. */
  service: string;
  logLevel?: LogLevel;
  ops: { host: string; port: number; portVariable: string };
  /** The applications: one BFF, or several services that share the process and its ops server. */
  apps: AppSpec[] | ((shared: { logger: Logger; registry: Registry }) => AppSpec[] | Promise<AppSpec[]>);
  /** What `/readyz` asks, taken from the applications in their order: `([app]) => [app.get(KafkaHealth)]`. */
  checks?: (apps: readonly [HttpApp, ...HttpApp[]]) => HealthCheck[];
  /** From "not ready" to "stops accepting": how long balancers need to look away; 1,000 by default. */
  drainDelayMs?: number;
  /** From the signal to the end of the process, whatever is still running; 25,000 by default. */
  gracePeriodMs?: number;
}

/** The applications of a process and their ops server. */
export class RunningApps {
  readonly apps: HttpApp[] = [];
  readonly ports: number[] = [];
  opsPort = 0;
  private readonly registry = createRegistry();
  private readonly ops: OpsServer;
  private started = false;

  constructor(
    private readonly options: RunAppOptions,
    private readonly logger: Logger,
  ) {
    const check = () => (this.started ? ({ ok: true } as const) : { ok: false as const, reason: 'starting' });
    const checks = [{ name: 'startup', required: true, check }];
    this.ops = new OpsServer({ ...options.ops, registry: this.registry, checks, logger });
  }

  /** All doors, or none. @throws AppError `invalid_config` that names the variable of a port that is taken. */
  async start(): Promise<void> {
    try {
      await this.openAll();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.started = true;
    this.logger.info({ ports: this.ports, opsPort: this.opsPort }, 'ready');
  }

  /** Not ready → a wait → no new connections → streams end, requests finish → stores close. */
  async stop(): Promise<void> {
    const { drainDelayMs = 1_000, gracePeriodMs = 25_000 } = this.options;
    this.ops.drain();
    this.apps.forEach(startDraining);
    if (drainDelayMs > 0) await delay(drainDelayMs);
    this.apps.forEach(stopAccepting);
    // Before the grace period ends, so that the hooks behind the requests (what must be flushed) get their turn.
    const cut = setTimeout(() => this.cutRequests(), gracePeriodMs * 0.6);
    await this.close().finally(() => clearTimeout(cut));
  }

  private async openAll(): Promise<void> {
    const { logger, registry, options } = this;
    this.opsPort = await this.ops.start();
    const specs = typeof options.apps === 'function' ? await options.apps({ logger, registry }) : options.apps;
    for (const spec of specs) await this.open(spec);
    const [first, ...others] = this.apps;
    const checks = first === undefined ? [] : (options.checks?.([first, ...others]) ?? []);
    for (const check of checks) this.ops.addCheck(check);
  }

  private async open({ module, host, port, portVariable, ...rest }: AppSpec): Promise<void> {
    const app = await createHttpApp(module, { ...rest, logger: this.logger, registry: this.registry });
    this.apps.push(app);
    try {
      await app.listen({ host, port });
    } catch (error) {
      throw portProblem(error, { host, port, portVariable });
    }
    this.ports.push((app.getHttpServer().address() as AddressInfo).port);
  }

  private async close(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.close()));
    await this.ops.close();
  }

  private cutRequests(): void {
    this.logger.warn('requests are still running, and are cut');
    for (const app of this.apps) app.getHttpServer().closeAllConnections();
  }
}

/** What somebody at a terminal needs to read: bad configuration as plain text, all else as it is. */
export function startProblem(error: unknown): string | undefined {
  const forPeople = AppError.is(error) && (error.code === 'invalid_config' || error.code === 'invalid_catalog');
  return forPeople ? error.message : undefined;
}
