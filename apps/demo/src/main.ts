import { runApp } from '@tidegate/http';
import 'reflect-metadata';
import { demoApps } from './app.module';
import { Background } from './background';
import { readConfig } from './config';

void runApp(() => {
  const config = readConfig();
  return {
    service: 'demo',
    logLevel: config.logLevel,
    drainDelayMs: config.drainDelayMs,
    ops: { host: config.host, port: config.ports.ops, portVariable: 'DEMO_OPS_PORT' },
    apps: (shared) => demoApps(config, shared),
    checks: ([app]) => app.get(Background).checks(),
  };
});
