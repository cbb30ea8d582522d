import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Producer, type KafkaOptions } from '@tidegate/kafka';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { AuditLog } from './audit-log';
import type { AuditOptions } from './options';

export interface AuditModuleOptions extends AuditOptions {
  kafka: KafkaOptions;
}

const PRODUCER = Symbol('tidegate.audit.producer');

/**
 * Makes the `AuditLog` injectable everywhere, with a producer of its own. Where it is imported, HTTP requests, upgrades and
 * stream sessions are recorded by their libraries; at the end it sends what waits.
 */
@Module({})
export class AuditModule implements OnApplicationShutdown {
  constructor(
    private readonly log: AuditLog,
    @Inject(PRODUCER) private readonly producer: Producer,
  ) {}

  static forRoot({ kafka, ...options }: AuditModuleOptions): DynamicModule {
    return {
      module: AuditModule,
      global: true,
      providers: [
        {
          provide: PRODUCER,
          inject: [LOGGER, Registry],
          useFactory: (logger: Logger, registry: Registry) => new Producer(kafka, { logger, registry }),
        },
        {
          provide: AuditLog,
          inject: [PRODUCER, LOGGER, Registry],
          useFactory: (sender: Producer, logger: Logger, registry: Registry) =>
            new AuditLog(options, { sender, logger, registry }),
        },
      ],
      exports: [AuditLog],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.log.close();
    // The log has waited already.
    await this.producer.close({ timeoutMs: 0 });
  }
}
