import { Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AuditLog } from '@tidegate/audit';
import { catalogFiles, LiveCatalog } from '@tidegate/catalog';
import { KafkaAdmin, KafkaHealth, Producer, RangeReader, TailPool, type KafkaOptions } from '@tidegate/kafka';
import { Policy } from '@tidegate/policy';
import { REDIS, type Redis } from '@tidegate/redis';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { DeadLetters } from './dead-letters';
import { RedisLeases } from './leases';
import type { StreamLimits } from './limits';
import type { SchemaRegistryOptions } from './schema-registry';
import { StreamHub } from './stream-hub';

export interface StreamsModuleOptions {
  catalogDirectory: string;
  kafka: KafkaOptions;
  /** At least 32 bytes each; the first seals, all open. */
  cursorKeys: readonly Buffer[];
  /** For grants that show hashes; at least 32 bytes. */
  maskKey?: Buffer | undefined;
  /** Where schemas of Avro come from. */
  schemaRegistry?: SchemaRegistryOptions | undefined;
  limits?: Partial<StreamLimits>;
}

/**
 * Makes `StreamHub`, `Policy`, `KafkaHealth` and the `LiveCatalog` that both follow injectable everywhere; closes what it opened. Durable
 * subscriptions have one holder over all replicas where `RedisModule` is imported, else one in this process.
 */
@Module({})
export class StreamsModule implements OnApplicationShutdown, OnModuleInit {
  constructor(
    private readonly catalog: LiveCatalog,
    private readonly policy: Policy,
    private readonly hub: StreamHub,
    private readonly tails: TailPool,
    private readonly ranges: RangeReader,
    private readonly admin: KafkaAdmin,
    private readonly deadLetters: DeadLetters,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly registry: Registry,
  ) {}

  /** @throws CatalogError when the catalog is not valid. */
  static forRoot(options: StreamsModuleOptions): DynamicModule {
    const { catalogDirectory, kafka, cursorKeys, maskKey, schemaRegistry, limits = {} } = options;
    const catalog = new LiveCatalog(catalogFiles(catalogDirectory));
    const withTelemetry = [LOGGER, Registry];
    return {
      module: StreamsModule,
      global: true,
      providers: [
        { provide: LiveCatalog, useValue: catalog },
        {
          provide: Policy,
          inject: [Registry],
          useFactory: (registry: Registry) => new Policy(catalog.current, { registry, maskKey }),
        },
        {
          provide: TailPool,
          inject: withTelemetry,
          useFactory: (logger: Logger, registry: Registry) => new TailPool(kafka, { logger, registry }),
        },
        {
          provide: RangeReader,
          inject: withTelemetry,
          useFactory: (logger: Logger, registry: Registry) => new RangeReader(kafka, { logger, registry }),
        },
        {
          provide: KafkaAdmin,
          inject: withTelemetry,
          useFactory: (logger: Logger, registry: Registry) => new KafkaAdmin(kafka, { logger, registry }),
        },
        {
          provide: KafkaHealth,
          inject: [TailPool, RangeReader],
          useFactory: (tails: TailPool, ranges: RangeReader) => new KafkaHealth([tails, ranges]),
        },
        {
          provide: DeadLetters,
          inject: [KafkaAdmin, ...withTelemetry],
          useFactory: (admin: KafkaAdmin, logger: Logger, registry: Registry) =>
            new DeadLetters({
              ...{ logger, registry, sender: new Producer(kafka, { logger, registry }) },
              ensureTopic: (topic) => admin.ensureTopics([topic]),
            }),
        },
        {
          provide: StreamHub,
          inject: [
            Policy,
            TailPool,
            RangeReader,
            KafkaAdmin,
            DeadLetters,
            ...withTelemetry,
            { token: AuditLog, optional: true },
            { token: REDIS, optional: true },
          ],
          useFactory: (
            policy: Policy,
            tails: TailPool,
            ranges: RangeReader,
            offsets: KafkaAdmin,
            deadLetters: DeadLetters,
            logger: Logger,
            registry: Registry,
            audit?: AuditLog,
            redis?: Redis,
          ) =>
            new StreamHub({
              ...{ policy, tails, ranges, offsets, deadLetters, cursorKeys, logger, registry, limits, audit },
              catalog: catalog.current,
              schemaRegistry,
              leases: redis && new RedisLeases(redis),
            }),
        },
      ],
      exports: [LiveCatalog, Policy, KafkaHealth, StreamHub],
    };
  }

  onModuleInit(): void {
    const { catalog, policy, hub, logger, registry } = this;
    catalog.onChange((now) => {
      policy.change(now);
      hub.changeCatalog(now, policy);
    });
    catalog.watch({ logger, registry });
    this.deadLetters.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.catalog.close();
    await this.hub.close();
    await this.deadLetters.close();
    await Promise.all([this.tails.close(), this.ranges.close(), this.admin.close()]);
  }
}
