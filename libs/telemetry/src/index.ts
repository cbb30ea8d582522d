export { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { type Health, type HealthCheck } from './health';
export { createLogger, type Logger, type LoggerOptions } from './logger';
export { NestLogger } from './nest-logger';
export { OpsServer, type OpsServerOptions } from './ops-server';
export { portProblem } from './port-problem';
export { createRegistry } from './registry';
export { requestContext, type RequestContext } from './request-context';
export { LOGGER, TelemetryModule } from './telemetry.module';
