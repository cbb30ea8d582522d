import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { APP_FILTER, ModulesContainer } from '@nestjs/core';
import { DeviceTokens } from '@tidegate/auth';
import { loadDeviceCatalog } from '@tidegate/catalog';
import { KafkaAdmin, KafkaHealth, Producer } from '@tidegate/kafka';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import type { Config } from './config';
import { DeviceSessions } from './connection/device-sessions';
import { ConnectionMetrics } from './connection/metrics';
import { LocalProgress } from './connection/progress';
import { Room } from './connection/room';
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

@Module({})
export class AppModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly log: TelemetryLog,
    private readonly producer: Producer,
    private readonly admin: KafkaAdmin,
  ) {}

  /** @throws CatalogError when tenants or devices are not valid. */
  static forRoot(config: Config): DynamicModule {
    const catalog = loadDeviceCatalog(config.catalogDirectory);
    const tokens = new DeviceTokens(config.tokenKeys);
    const options = config.server.connection;
    const withTelemetry = [LOGGER, Registry];
    return {
      module: AppModule,
      controllers: [HelloController, TelemetryController, KeepaliveController],
      providers: [
        { provide: APP_FILTER, useClass: ErrorFilter },
        DeviceSessions,
        LocalProgress,
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
          inject: [DeviceSessions, LocalProgress, ConnectionMetrics, LOGGER],
          useFactory: (sessions: DeviceSessions, progress: LocalProgress, metrics: ConnectionMetrics, logger: Logger) =>
            new HelloService({ tokens, catalog, sessions, progress, metrics, options, logger }),
        },
        {
          provide: DeviceServer,
          inject: [ModulesContainer, DeviceSessions, LocalProgress, Room, ConnectionMetrics, LOGGER],
          useFactory: (
            modules: ModulesContainer,
            sessions: DeviceSessions,
            progress: LocalProgress,
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
  }

  async onApplicationShutdown(): Promise<void> {
    this.log.close();
    await Promise.all([this.producer.close(), this.admin.close()]);
  }
}
