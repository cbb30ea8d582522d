import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuditLog } from '@tidegate/audit';
import { Authenticator } from '@tidegate/auth';
import { RequestLimits } from '@tidegate/ratelimit';
import { REDIS, type Redis } from '@tidegate/redis';
import { StreamHub } from '@tidegate/streams';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import { AsyncApiController } from './async-api.controller';
import { ConnectionCount } from './connection-count';
import { endSpread } from './drain';
import { doorsOptionsSchema, PATHS, SETTINGS, type DoorsOptions, type DoorsSettings, type StreamPath } from './options';
import { letPagesRead } from './page-access';
import { RecordsDoor } from './records-door';
import { SseDoor } from './sse-door';
import { createStreamControllers } from './stream.controllers';
import { MemoryTicketStore, RedisTicketStore } from './ticket-store';
import { Tickets } from './tickets';
import { TicketsController } from './tickets.controller';
import { WebSocketDoor } from './websocket-door';

/** Fixed where the module is imported. */
interface DoorsPlaces {
  paths?: readonly StreamPath[];
  /** What opening a stream counts against, over WebSocket and SSE alike; without it, the application's defaults. */
  limits?: readonly string[];
}

export type DoorsModuleOptions = DoorsOptions & DoorsPlaces;

export type DoorsModuleAsyncOptions = Pick<FactoryProvider<DoorsOptions>, 'inject' | 'useFactory'> & DoorsPlaces;

/**
 * WebSocket, SSE and REST records for every stream of the catalog at `/streams/*`, and for some at paths of their own.
 * Takes `StreamHub`, the catalog, `Authenticator`, the logger and the registry from global modules; `RequestLimits` counts upgrades
 * and Redis keeps tickets where they are there.
 */
@Module({})
export class DoorsModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly webSockets: WebSocketDoor,
    private readonly events: SseDoor,
    private readonly hub: StreamHub,
    @Inject(SETTINGS) private readonly settings: DoorsSettings,
    @Inject(PATHS) private readonly paths: readonly StreamPath[],
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  static forRoot({ paths, limits, ...options }: DoorsModuleOptions = {}): DynamicModule {
    return this.forRootAsync({ ...(paths && { paths }), ...(limits && { limits }), useFactory: () => options });
  }

  static forRootAsync({ paths = [], limits, inject = [], useFactory }: DoorsModuleAsyncOptions): DynamicModule {
    return {
      module: DoorsModule,
      controllers: [...createStreamControllers(paths, limits), TicketsController, AsyncApiController],
      providers: [
        { provide: PATHS, useValue: paths },
        {
          provide: SETTINGS,
          inject,
          useFactory: async (...given: unknown[]) => doorsOptionsSchema.parse(await useFactory(...given)),
        },
        connections,
        tickets,
        webSocketDoor({ paths, limits }),
        {
          provide: SseDoor,
          inject: [StreamHub, SETTINGS, ConnectionCount],
          useFactory: (hub: StreamHub, settings: DoorsSettings, count: ConnectionCount) =>
            new SseDoor({ hub, settings, connections: count }),
        },
        { provide: RecordsDoor, inject: [StreamHub], useFactory: (hub: StreamHub) => new RecordsDoor(hub) },
      ],
      exports: [WebSocketDoor],
    };
  }

  onApplicationBootstrap(): void {
    const { httpAdapter } = this.adapterHost;
    this.webSockets.attach(httpAdapter.getHttpServer() as Server);
    const { allowedOrigins } = this.settings;
    letPagesRead(httpAdapter.getInstance<FastifyInstance>(), { allowedOrigins, isDoor: (path) => this.isDoor(path) });
  }

  /** Before the server waits for its connections: every stream gets its last cursor and a goodbye. */
  async beforeApplicationShutdown(): Promise<void> {
    this.webSockets.close();
    await endSpread([...this.webSockets.connections, ...this.events.connections], this.settings.drainMs);
    await this.hub.drain();
  }

  private isDoor(path: string): boolean {
    const places = ['/streams', '/stream-tickets', ...this.paths.map((bound) => bound.path)];
    return places.some((place) => path === place || path.startsWith(`${place}/`));
  }
}

const connections: Provider = {
  provide: ConnectionCount,
  inject: [SETTINGS, Registry],
  useFactory: (settings: DoorsSettings, registry: Registry) => new ConnectionCount(settings, registry),
};

const tickets: Provider = {
  provide: Tickets,
  inject: [Authenticator, { token: REDIS, optional: true }],
  useFactory: (authenticator: Authenticator, redis?: Redis) =>
    new Tickets(redis === undefined ? new MemoryTicketStore() : new RedisTicketStore(redis), authenticator),
};

function webSocketDoor({ paths, limits }: { paths: readonly StreamPath[]; limits: DoorsPlaces['limits'] }): Provider {
  return {
    provide: WebSocketDoor,
    inject: [
      ...[StreamHub, Authenticator, SETTINGS, LOGGER, ConnectionCount, Tickets],
      { token: RequestLimits, optional: true },
      { token: AuditLog, optional: true },
    ],
    useFactory: (
      hub: StreamHub,
      authenticator: Authenticator,
      settings: DoorsSettings,
      logger: Logger,
      count: ConnectionCount,
      redeemer: Tickets,
      counter?: RequestLimits,
      audit?: AuditLog,
    ) =>
      new WebSocketDoor({
        ...{ hub, authenticator, settings, logger, paths, audit, connections: count, tickets: redeemer },
        ...(counter !== undefined && { limits: { admit: (counted) => counter.admit(limits, counted) } }),
      }),
  };
}
