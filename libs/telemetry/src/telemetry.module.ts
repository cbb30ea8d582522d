import { Module, type DynamicModule } from '@nestjs/common';
import { Registry } from 'prom-client';
import type { Logger } from './logger';

/** Injection token of the `Logger`: `@Inject(LOGGER) logger: Logger`. The `Registry` is injected by its class. */
export const LOGGER = Symbol('tidegate.telemetry.logger');

/** Makes the logger and the metrics registry injectable everywhere. `createHttpApp` imports it for its app. */
@Module({})
export class TelemetryModule {
  static forRoot({ logger, registry }: { logger: Logger; registry: Registry }): DynamicModule {
    return {
      module: TelemetryModule,
      global: true,
      providers: [
        { provide: LOGGER, useValue: logger },
        { provide: Registry, useValue: registry },
      ],
      exports: [LOGGER, Registry],
    };
  }
}
