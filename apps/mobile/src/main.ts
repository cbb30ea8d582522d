import { runApp } from '@tidegate/http';
import { KafkaHealth } from '@tidegate/kafka';
import { RedisHealth } from '@tidegate/redis';
import 'reflect-metadata';
import { AppModule } from './app.module';
import { readConfig } from './config';

const { host, ...config } = readConfig();

void runApp({
  service: 'mobile',
  logLevel: config.logLevel,
  drainDelayMs: config.drainDelayMs,
  ops: { host, port: config.opsPort, portVariable: 'MOBILE_OPS_PORT' },
  apps: [
    {
      module: AppModule.forRoot({ host, ...config }),
      host,
      port: config.port,
      portVariable: 'MOBILE_PORT',
      title: 'Tidegate for phones',
    },
  ],
  checks: ([app]) => (app === undefined ? [] : [app.get(KafkaHealth), app.get(RedisHealth)]),
});
