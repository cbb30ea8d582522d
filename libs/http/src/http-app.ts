import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditLog } from '@tidegate/audit';
import { NestLogger, TelemetryModule, type Logger, type Registry } from '@tidegate/telemetry';
import { createAdapter, type TlsOptions } from './fastify-server';
import { OPEN_API, OpenApiController, openApiOf, type OpenApiSource } from './open-api';
import { ProblemFilter } from './problem.filter';
import { RequestAudit } from './request-audit';
import { SchemaPipe } from './schema.pipe';
import { endUnused, followConnections, type ServerState } from './server-state';

/** A Nest application on Fastify. */
export type HttpApp = NestFastifyApplication;

export interface HttpAppOptions {
  logger: Logger;
  registry: Registry;
  /** Title and version of the OpenAPI document. */
  title?: string;
  version?: string;
  /** The largest body that is taken; 64 KiB by default. */
  bodyLimitBytes?: number;
  /** Without it the app speaks plain HTTP, behind something that ends TLS. */
  tls?: TlsOptions | undefined;
}

class RootModule {}

const states = new WeakMap<HttpApp, ServerState>();

/**
 * The HTTP application of a BFF, initialised and ready to `listen`: ids, limits, problem+json, schemas, OpenAPI, and an
 * audit event per request where its modules import the `AuditModule`. The logger (`LOGGER`) and the `Registry` can be
 * injected everywhere in it.
 */
export async function createHttpApp(module: Type | DynamicModule, options: HttpAppOptions): Promise<HttpApp> {
  const { logger, registry, title = 'Tidegate', version = '1', bodyLimitBytes = 64 * 1024, tls } = options;
  const state: ServerState = { draining: false, closed: undefined, sockets: new Set() };
  const openApi: OpenApiSource = { read: () => (document ??= openApiOf(app, { title, version })) };
  const audit = new RequestAudit();
  let document: ReturnType<OpenApiSource['read']> | undefined;
  const root = {
    module: RootModule,
    imports: [TelemetryModule.forRoot({ logger, registry }), module],
    controllers: [OpenApiController],
    providers: [
      { provide: OPEN_API, useValue: openApi },
      {
        provide: RequestAudit,
        inject: [{ token: AuditLog, optional: true }],
        useFactory: (log?: AuditLog) => Object.assign(audit, { log }),
      },
    ],
  };
  const adapter = createAdapter({ logger, registry, state, bodyLimitBytes, audit, tls });
  const app = await NestFactory.create<HttpApp>(root, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  states.set(app, state);
  followConnections(app.getHttpServer(), state);
  app.useGlobalFilters(new ProblemFilter(logger));
  app.useGlobalPipes(new SchemaPipe());
  return app.init();
}

/** From now on answers ask their clients to leave the connection. */
export function startDraining(app: HttpApp): void {
  const state = states.get(app);
  if (state !== undefined) state.draining = true;
}

/**
 * No new connections from now on; those without a request are closed. `app.close()` then ends the streams by its hooks,
 * and waits for the requests in flight before it ends the stores: Fastify alone would keep listening until after the
 * first hooks, and streams that were ended would come back to us.
 */
export function stopAccepting(app: HttpApp): void {
  const state = states.get(app);
  if (state === undefined || state.closed !== undefined) return;
  const server = app.getHttpServer();
  state.closed = new Promise((resolve) => server.close(() => resolve()));
  endUnused(state);
}
