import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { NestLogger, TelemetryModule, type Logger, type Registry } from '@tidegate/telemetry';
import { DeviceServer } from './device-server';

class RootModule {}

/** The application behind the device door, ready to `listen`. */
export async function createDeviceApp(
  module: DynamicModule,
  { logger, registry }: { logger: Logger; registry: Registry },
): Promise<INestMicroservice> {
  const root = { module: RootModule, imports: [TelemetryModule.forRoot({ logger, registry }), module] };
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(root, {
    inject: [DeviceServer],
    useFactory: (server: DeviceServer) => ({ strategy: server }),
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  return app;
}
