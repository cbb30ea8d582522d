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
import { openApi } from './open-api';

void runApp(() => {
  const config = readConfig();
  const { host, port, opsPort, logLevel, drainDelayMs, tls } = config;
  return {
    service: 'partner',
    logLevel,
    drainDelayMs,
    ops: { host, port: opsPort, portVariable: 'PARTNER_OPS_PORT' },
    apps: [{ module: AppModule.forRoot(config), host, port, tls, portVariable: 'PARTNER_PORT', ...openApi }],
    checks: ([app]) => [
      app.get(KafkaHealth),
      ...(config.redis === undefined ? [] : [app.get(RedisHealth)]),
      app.get(Authenticator),
      app.get(StreamHub).health,
      app.get(LiveCatalog).health,
      app.get(LiveLimits).health,
      app.get(AuditLog).health,
    ],
  };
});
