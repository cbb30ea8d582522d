import type { INestMicroservice } from '@nestjs/common';
import { AuditLog } from '@tidegate/audit';
import { LiveCatalog } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import { KafkaHealth } from '@tidegate/kafka';
import { LiveLimits } from '@tidegate/ratelimit';
import { RedisHealth } from '@tidegate/redis';
import { createLogger, createRegistry, OpsServer, type Logger } from '@tidegate/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { AppModule } from './app.module';
import type { Config } from './config';
import { createDeviceApp } from './device-app';
import { DeviceServer } from './device-server';

const gracePeriodMs = 25_000;

/**
 * Starts the door and its ops server, and ends both in order on SIGTERM or SIGINT; the same signal again ends it at once.
 * (`runApp` of libs/http does this for HTTP applications; this one has no HTTP server, and does without Fastify's memory.)
 */
export async function runDevices(readConfig: () => Config): Promise<void> {
  let logger = createLogger({ service: 'iot' });
  try {
    const config = readConfig();
    logger = createLogger({ service: 'iot', level: config.logLevel });
    process.on('uncaughtException', (error) => fail(logger, error));
    const running = await start(config, logger);
    onSignals(logger, () => stop(running, config));
  } catch (error) {
    fail(logger, error);
  }
}

interface Running {
  app: INestMicroservice;
  ops: OpsServer;
}

async function start(config: Config, logger: Logger): Promise<Running> {
  const registry = createRegistry();
  let started = false;
  const startup = {
    name: 'startup',
    required: true,
    check: () => (started ? ({ ok: true } as const) : { ok: false as const, reason: 'starting' }),
  };
  const door = { host: config.host, port: config.opsPort, portVariable: 'IOT_OPS_PORT' };
  const ops = new OpsServer({ ...door, registry, checks: [startup], logger });
  const opsPort = await ops.start();
  const app = await createDeviceApp(AppModule.forRoot(config), { logger, registry });
  ops.addCheck(app.get(KafkaHealth));
  ops.addCheck(app.get(LiveCatalog).health);
  ops.addCheck(app.get(LiveLimits).health);
  ops.addCheck(app.get(AuditLog, { strict: false }).health);
  if (config.redis !== undefined) ops.addCheck(app.get(RedisHealth, { strict: false }));
  await app.listen();
  started = true;
  logger.info({ ports: app.get(DeviceServer).ports, opsPort }, 'ready');
  return { app, ops };
}

/** Not ready → a wait → no new connections → acknowledgements, Goodbyes → Kafka is flushed and closed. */
async function stop({ app, ops }: Running, { drainDelayMs }: Config): Promise<void> {
  ops.drain();
  if (drainDelayMs > 0) await delay(drainDelayMs);
  await app.close();
  await ops.close();
}

function onSignals(logger: Logger, end: () => Promise<void>): void {
  const received = new Set<string>();
  const receive = (signal: string) => {
    // A terminal sends SIGINT to the whole group, and its supervisor SIGTERM on top: only a repeated one is impatience.
    if (received.has(signal)) process.exit(1);
    received.add(signal);
    if (received.size > 1) return;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error({ gracePeriodMs }, 'not stopped in time');
      process.exit(1);
    }, gracePeriodMs).unref();
    void end().then(
      () => process.exit(0),
      (error: unknown) => fail(logger, error),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => receive(signal));
}

/** Bad configuration is said as text for people, all else as a log line. */
function fail(logger: Logger, error: unknown): never {
  const forPeople = AppError.is(error) && (error.code === 'invalid_config' || error.code === 'invalid_catalog');
  if (forPeople) process.stderr.write(`${error.message}\n`);
  else logger.fatal({ err: error }, 'cannot go on');
  process.exit(1);
}
