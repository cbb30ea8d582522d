import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, ModulesContainer } from '@nestjs/core';
import { AuditLog, AuditModule } from '@tidegate/audit';
import { DeviceTokens } from '@tidegate/auth';
import { deviceCatalogFiles, LiveCatalog, type DeviceCatalog } from '@tidegate/catalog';
import { KafkaAdmin, KafkaHealth, Producer } from '@tidegate/kafka';
import { createRateLimiter, LiveLimits, RateLimiter } from '@tidegate/ratelimit';
import { createRedis, REDIS, RedisModule, type Redis } from '@tidegate/redis';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import type { Config } from './config';
import { DeviceSessions } from './connection/device-sessions';
import { ConnectionMetrics } from './connection/metrics';
import { LocalProgress, PROGRESS, type ProgressStore } from './connection/progress';
import { RedisProgress } from './connection/redis-progress';
import { Room } from './connection/room';
import { SessionNotices } from './connection/session-notices';
import { DeviceServer } from './device-server';
import { ErrorFilter } from './error.filter';
import { HelloController } from './hello/hello.controller';
import { HelloService } from './hello/hello.service';
import { KeepaliveController } from './keepalive/keepalive.controller';
import { TelemetryLog } from './telemetry/telemetry-log';
import { TelemetryRecords } from './telemetry/telemetry-records';
import { TelemetryController } from './telemetry/telemetry.controller';

/** Records that wait for Kafka; the producer's own queue is a little larger, since it is filled a turn later. */
const roomBytes = 48 * 1_048_576;
const producerBytes = 96 * 1_048_576;

/** Present where there is a Redis. */
const NOTICES = Symbol('tidegate.iot.notices');

@Module({})
export class AppModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly catalog: LiveCatalog<DeviceCatalog>,
    private readonly limits: LiveLimits,
    private readonly log: TelemetryLog,
    private readonly producer: Producer,
    private readonly admin: KafkaAdmin,
    @Inject(NOTICES) private readonly notices: SessionNotices | undefined,
    private readonly limiter: RateLimiter,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly registry: Registry,
  ) {}

  /** @throws CatalogError when tenants, devices or limits are not valid. */
  static forRoot(config: Config): DynamicModule {
    const catalog = new LiveCatalog(deviceCatalogFiles(config.catalogDirectory));
    const limits = new LiveLimits(config.limits.limitsFile);
    const tokens = new DeviceTokens(config.tokenKeys);
    const options = config.server.connection;
    const withTelemetry = [LOGGER, Registry];
    return {
      module: AppModule,
      imports: [
        AuditModule.forRoot(config.audit),
        ...(config.redis === undefined ? [] : [RedisModule.forRoot(config.redis)]),
      ],
      controllers: [HelloController, TelemetryController, KeepaliveController],
      providers: [
        { provide: LiveCatalog, useValue: catalog },
        { provide: LiveLimits, useValue: limits },
        { provide: APP_FILTER, useClass: ErrorFilter },
        DeviceSessions,
        ...sharedState(config, limits),
        { provide: Room, useValue: new Room(roomBytes) },
        {
          provide: Producer,
          inject: withTelemetry,
          useFactory: (logger: Logger, registry: Registry) =>
            new Producer({ ...config.kafka, maxQueueBytes: producerBytes }, { logger, registry }),
        },
        {
          provide: KafkaAdmin,
          inject: withTelemetry,
          useFactory: (logger: Logger, registry: Registry) => new KafkaAdmin(config.kafka, { logger, registry }),
        },
        { provide: KafkaHealth, inject: [Producer], useFactory: (producer: Producer) => new KafkaHealth([producer]) },
        {
          provide: ConnectionMetrics,
          inject: [Registry],
          useFactory: (registry: Registry) => new ConnectionMetrics(registry),
        },
        {
          provide: TelemetryRecords,
          inject: [Registry],
          useFactory: (registry: Registry) => new TelemetryRecords(registry),
        },
        {
          provide: TelemetryLog,
          inject: [Producer, KafkaAdmin, Room, LOGGER],
          useFactory: (producer: Producer, admin: KafkaAdmin, room: Room, logger: Logger) =>
            new TelemetryLog(producer, admin, room, logger),
        },
        {
          provide: HelloService,
          inject: [DeviceSessions, PROGRESS, NOTICES, RateLimiter, AuditLog, ConnectionMetrics, LOGGER],
          useFactory: (
            sessions: DeviceSessions,
            progress: ProgressStore,
            notices: SessionNotices | undefined,
            limiter: RateLimiter,
            audit: AuditLog,
            metrics: ConnectionMetrics,
            logger: Logger,
          ) =>
            new HelloService({
              tokens,
              catalog,
              sessions,
              progress,
              notices,
              limiter,
              audit,
              metrics,
              options,
              logger,
            }),
        },
        {
          provide: DeviceServer,
          inject: [ModulesContainer, DeviceSessions, PROGRESS, Room, ConnectionMetrics, LOGGER],
          useFactory: (
            modules: ModulesContainer,
            sessions: DeviceSessions,
            progress: ProgressStore,
            room: Room,
            metrics: ConnectionMetrics,
            logger: Logger,
          ) => new DeviceServer(config.server, modules, { sessions, progress, room, metrics, logger }),
        },
      ],
    };
  }

  onModuleInit(): void {
    this.log.open();
    this.limits.onChange((limits) => this.limiter.change(limits));
    for (const files of [this.catalog, this.limits]) files.watch({ logger: this.logger, registry: this.registry });
  }

  async onApplicationShutdown(): Promise<void> {
    for (const files of [this.catalog, this.limits]) files.close();
    this.log.close();
    await Promise.all([this.producer.close(), this.admin.close(), this.notices?.close(), this.limiter.close()]);
  }
}

/** What replicas know together, by Redis; without one, each knows its own. */
function sharedState({ redis, limits: { limitsFile: _, ...shares } }: Config, limits: LiveLimits): Provider[] {
  const limiter = (logger: Logger, registry: Registry, client?: Redis) =>
    createRateLimiter(limits.current, { app: 'iot', ...shares, ...(client && { redis: client }), logger, registry });
  if (redis === undefined) {
    return [
      { provide: PROGRESS, useClass: LocalProgress },
      { provide: NOTICES, useValue: undefined },
      { provide: RateLimiter, inject: [LOGGER, Registry], useFactory: limiter },
    ];
  }
  return [
    { provide: PROGRESS, inject: [REDIS], useFactory: (client: Redis) => new RedisProgress(client) },
    {
      provide: NOTICES,
      inject: [REDIS, LOGGER],
      useFactory: (client: Redis, logger: Logger) => new SessionNotices(client, createRedis(redis, { logger })),
    },
    { provide: RateLimiter, inject: [LOGGER, Registry, REDIS], useFactory: limiter },
  ];
}
