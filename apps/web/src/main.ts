import { AuditLog } from '@tidegate/audit';
import { Authenticator } from '@tidegate/auth';
import { LiveCatalog } from '@tidegate/catalog';
import { runApp } from '@tidegate/http';
import { KafkaHealth } from '@tidegate/kafka';
import { LiveLimits } from '@tidegate/ratelimit';
import { RedisHealth } from '@tidegate/redis';
import { StreamHub } from '@tidegate/streams';
import 'reflect-metadata';
import { AppModule } from './app.module';
import { readConfig } from './config';

void runApp(() => {
  const config = readConfig();
  const { host, port, opsPort, logLevel, drainDelayMs, tls } = config;
  return {
    service: 'web',
    logLevel,
    drainDelayMs,
    ops: { host, port: opsPort, portVariable: 'WEB_OPS_PORT' },
    apps: [
      {
        module: AppModule.forRoot(config),
        host,
        port,
        tls,
        portVariable: 'WEB_PORT',
        title: 'Tidegate for dashboards',
      },
    ],
    checks: ([app]) => [
      app.get(KafkaHealth),
      app.get(RedisHealth),
      app.get(Authenticator),
      app.get(StreamHub).health,
      app.get(LiveCatalog).health,
      app.get(LiveLimits).health,
      app.get(AuditLog).health,
    ],
  };
});
