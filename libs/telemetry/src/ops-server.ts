import type { Registry } from 'prom-client';
import type { HealthCheck } from './health';
import type { Logger } from './logger';

export interface OpsServerOptions {
  host: string;
  port: number;
  registry: Registry;
  checks: readonly HealthCheck[];
  logger: Logger;
  /** The variable that sets the port, for the message when it is taken. */
  portVariable?: string;
  /** How long one check may take before it counts as failing. */
  checkTimeoutMs?: number;
}

/** Health and metrics on a port of their own: `/livez`, `/readyz`, `/metrics`. */
export class OpsServer {
  constructor(private readonly options: OpsServerOptions) {}

  /** Adds a check while running. */
  addCheck(_check: HealthCheck): void {}

  /** @returns the port it listens on. @throws AppError `invalid_config` when the port is taken. */
  start(): Promise<number> {
    return Promise.resolve(this.options.port);
  }

  /** From now on `/readyz` answers 503. */
  drain(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
