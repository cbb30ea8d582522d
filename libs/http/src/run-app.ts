import type { DynamicModule, Type } from '@nestjs/common';
import type { HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import type { HttpApp, HttpAppOptions } from './http-app';

/** One HTTP application of the process. */
export interface AppSpec extends Omit<HttpAppOptions, 'logger' | 'registry'> {
  module: Type | DynamicModule;
  host: string;
  port: number;
  /** The variable that sets the port, for the message when it is taken. */
  portVariable: string;
}

export interface RunAppOptions {
  service: string;
  logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  ops: { host: string; port: number; portVariable: string };
  /** The applications: one BFF, or several services that share the process and its ops server. */
  apps: AppSpec[] | ((shared: { logger: Logger; registry: Registry }) => AppSpec[] | Promise<AppSpec[]>);
  /** What `/readyz` asks, usually taken from the applications: `([app]) => [app.get(KafkaHealth)]`. */
  checks?: (apps: readonly HttpApp[]) => HealthCheck[];
  /** From "not ready" to "stops accepting": how long balancers need to look away. */
  drainDelayMs?: number;
  /** From the signal to the end of the process, whatever is still running. */
  gracePeriodMs?: number;
}

/** Starts everything, and ends it in order on SIGTERM or SIGINT. Resolves when all doors are open. */
export function runApp(_options: RunAppOptions): Promise<void> {
  return Promise.reject(new Error('not yet'));
}
