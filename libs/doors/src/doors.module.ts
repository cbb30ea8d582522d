import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuditLog } from '@tidegate/audit';
import { Authenticator } from '@tidegate/auth';
import { StreamHub } from '@tidegate/streams';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import type { Server } from 'node:http';
import { ConnectionCount } from './connection-count';
import { doorsOptionsSchema, type DoorsOptions, type DoorsSettings, type StreamPath } from './options';
import { RecordsDoor } from './records-door';
import { SseDoor } from './sse-door';
import { createStreamController, StreamsController } from './stream.controllers';
import { WebSocketDoor } from './websocket-door';

export interface DoorsModuleOptions extends DoorsOptions {
  paths?: readonly StreamPath[];
}

export interface DoorsModuleAsyncOptions extends Pick<FactoryProvider<DoorsOptions>, 'inject' | 'useFactory'> {
  paths?: readonly StreamPath[];
}

const SETTINGS = Symbol('tidegate.doors.settings');
const PATHS = Symbol('tidegate.doors.paths');

/**
 * WebSocket, SSE and REST records for every stream of the catalog at `/streams/*`, and for some at paths of their own.
 * Takes `StreamHub`, `Authenticator`, the logger and the registry from global modules.
 */
@Module({})
export class DoorsModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly webSockets: WebSocketDoor,
    private readonly hub: StreamHub,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  static forRoot({ paths = [], ...options }: DoorsModuleOptions = {}): DynamicModule {
    return this.forRootAsync({ paths, useFactory: () => options });
  }

  static forRootAsync({ paths = [], inject = [], useFactory }: DoorsModuleAsyncOptions): DynamicModule {
    return {
      module: DoorsModule,
      controllers: [...paths.map(({ path, stream }) => createStreamController(path, stream)), StreamsController],
      providers: [
        { provide: PATHS, useValue: paths },
        {
          provide: SETTINGS,
          inject,
          useFactory: async (...given: unknown[]) => doorsOptionsSchema.parse(await useFactory(...given)),
        },
        {
          provide: ConnectionCount,
          inject: [SETTINGS, Registry],
          useFactory: ({ connections }: DoorsSettings, registry: Registry) =>
            new ConnectionCount(connections, registry),
        },
        {
          provide: WebSocketDoor,
          inject: [
            ...[StreamHub, Authenticator, SETTINGS, LOGGER, PATHS, ConnectionCount],
            { token: AuditLog, optional: true },
          ],
          useFactory: (
            hub: StreamHub,
            authenticator: Authenticator,
            settings: DoorsSettings,
            logger: Logger,
            bound: readonly StreamPath[],
            connections: ConnectionCount,
            audit?: AuditLog,
          ) => new WebSocketDoor({ hub, authenticator, settings, logger, paths: bound, connections, audit }),
        },
        {
          provide: SseDoor,
          inject: [StreamHub, SETTINGS, ConnectionCount],
          useFactory: (hub: StreamHub, settings: DoorsSettings, connections: ConnectionCount) =>
            new SseDoor({ hub, settings, connections }),
        },
        { provide: RecordsDoor, inject: [StreamHub], useFactory: (hub: StreamHub) => new RecordsDoor(hub) },
      ],
      exports: [WebSocketDoor],
    };
  }

  onApplicationBootstrap(): void {
    this.webSockets.attach(this.adapterHost.httpAdapter.getHttpServer() as Server);
  }

  /** Before the server waits for its connections: every stream gets its last cursor and a goodbye. */
  beforeApplicationShutdown(): void {
    this.hub.drain();
    this.webSockets.drain();
  }
}
