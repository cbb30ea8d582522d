import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { AuditLog } from '@tidegate/audit';
import { loadCatalog } from '@tidegate/catalog';
import { KafkaHealth, RangeReader, TailPool, type KafkaOptions } from '@tidegate/kafka';
import { Policy } from '@tidegate/policy';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import type { StreamLimits } from './limits';
import { StreamHub } from './stream-hub';

export interface StreamsModuleOptions {
  catalogDirectory: string;
  kafka: KafkaOptions;
  /** At least 32 bytes each; the first seals, all open. */
  cursorKeys: readonly Buffer[];
  limits?: Partial<StreamLimits>;
}

/** Injection token of the `Catalog` that the module loaded. */
export const CATALOG = Symbol('tidegate.streams.catalog');

/** Makes `StreamHub`, `Policy`, `KafkaHealth` and the catalog injectable everywhere; closes what it opened. */
@Module({})
export class StreamsModule implements OnApplicationShutdown {
  constructor(
    private readonly hub: StreamHub,
    private readonly tails: TailPool,
    private readonly ranges: RangeReader,
  ) {}

  /** @throws CatalogError when the catalog is not valid. */
  static forRoot({ catalogDirectory, kafka, cursorKeys, limits = {} }: StreamsModuleOptions): DynamicModule {
    const catalog = loadCatalog(catalogDirectory);
    const withTelemetry = [LOGGER, Registry];
    return {
      module: StreamsModule,
      global: true,
      providers: [
        { provide: CATALOG, useValue: catalog },
        { provide: Policy, inject: [Registry], useFactory: (registry: Registry) => new Policy(catalog, { registry }) },
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
          provide: KafkaHealth,
          inject: [TailPool, RangeReader],
          useFactory: (tails: TailPool, ranges: RangeReader) => new KafkaHealth([tails, ranges]),
        },
        {
          provide: StreamHub,
          inject: [Policy, TailPool, RangeReader, ...withTelemetry, { token: AuditLog, optional: true }],
          useFactory: (
            policy: Policy,
            tails: TailPool,
            ranges: RangeReader,
            logger: Logger,
            registry: Registry,
            audit?: AuditLog,
          ) => new StreamHub({ catalog, policy, tails, ranges, cursorKeys, logger, registry, limits, audit }),
        },
      ],
      exports: [CATALOG, Policy, KafkaHealth, StreamHub],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.hub.close();
    await Promise.all([this.tails.close(), this.ranges.close()]);
  }
}
