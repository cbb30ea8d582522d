import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestLogger, type Logger, type Registry } from '@tidegate/telemetry';

/** A Nest application on Fastify. */
export type HttpApp = NestFastifyApplication;

export interface HttpAppOptions {
  logger: Logger;
  registry: Registry;
  /** Title and version of the OpenAPI document. */
  title?: string;
  version?: string;
  bodyLimitBytes?: number;
}

/** The HTTP application of a BFF, ready to `listen`. */
export async function createHttpApp(module: Type | DynamicModule, options: HttpAppOptions): Promise<HttpApp> {
  return NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: new NestLogger(options.logger),
  });
}
