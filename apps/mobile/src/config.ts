import { list, loadConfig, milliseconds, port, url } from '@tidegate/config';
import { edgeEnvironmentSchema, proofOptions } from '@tidegate/http';
import { kafkaEnvironmentSchema } from '@tidegate/kafka';
import { maskKeySchema } from '@tidegate/policy';
import { rateLimitOptionsSchema } from '@tidegate/ratelimit';
import { cursorKeySchema, schemaRegistryEnvironmentSchema } from '@tidegate/streams';
import { logLevels } from '@tidegate/telemetry';
import path from 'node:path';
import { z } from 'zod';

const environmentSchema = z.object({
  MOBILE_PORT: port().default(8081),
  MOBILE_OPS_PORT: port().default(9081),
  HOST: z.string().default('127.0.0.1'),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  CATALOG_DIR: z.string(),
  MOBILE_CATALOG_DIR: z.string().default('apps/mobile/catalog'),
  REDIS_URL: url('redis', 'rediss'),
  CURSOR_KEYS: list().pipe(z.array(cursorKeySchema)),
  MASK_KEY: maskKeySchema.optional(),
  ALLOWED_ORIGINS: list().optional(),
  CONNECTIONS_PER_CALLER: z.coerce.number().int().min(1).max(1_000_000).optional(),
  ISSUER_URL: url().default('http://127.0.0.1:8090'),
  MOBILE_CLIENT_ID: z.string().default('mobile-bff'),
  MOBILE_CLIENT_SECRET: z.string(),
  CUSTOMERS_URL: url().default('http://127.0.0.1:8091'),
  ORDERS_URL: url().default('http://127.0.0.1:8092'),
  ACCOUNTS_URL: url().default('http://127.0.0.1:8093'),
  AUDIT_QUEUE_EVENTS: z.coerce.number().int().min(10).max(1_000_000).default(10_000),
  AUDIT_FLUSH_MS: milliseconds().default(3_000),
  SERVICES_TIMEOUT_MS: milliseconds().default(800),
  DRAIN_DELAY_MS: milliseconds().default(0),
  TRUSTED_PROXIES: list().pipe(rateLimitOptionsSchema.shape.trustedProxies).optional(),
  REPLICAS: z.coerce.number().pipe(rateLimitOptionsSchema.shape.replicas).optional(),
});

const variables = environmentSchema
  .and(kafkaEnvironmentSchema)
  .and(schemaRegistryEnvironmentSchema)
  .and(edgeEnvironmentSchema);

const configSchema = variables.transform((env) => ({
  host: env.HOST,
  port: env.MOBILE_PORT,
  opsPort: env.MOBILE_OPS_PORT,
  logLevel: env.LOG_LEVEL,
  drainDelayMs: env.DRAIN_DELAY_MS,
  tls: env.edge.tls,
  auth: { issuer: env.ISSUER_URL, audience: 'tidegate', ...proofOptions(env.edge, env.MOBILE_PORT) },
  redis: { url: env.REDIS_URL },
  limits: {
    limitsFile: path.join(env.MOBILE_CATALOG_DIR, 'limits.yaml'),
    ...(env.TRUSTED_PROXIES && { trustedProxies: env.TRUSTED_PROXIES }),
    ...(env.REPLICAS && { replicas: env.REPLICAS }),
  },
  audit: {
    app: 'mobile',
    maxEvents: env.AUDIT_QUEUE_EVENTS,
    flushMs: env.AUDIT_FLUSH_MS,
    kafka: { ...env.kafka, clientId: 'tidegate-mobile-audit' },
  },
  streams: {
    catalogDirectory: env.CATALOG_DIR,
    cursorKeys: env.CURSOR_KEYS,
    schemaRegistry: env.schemaRegistry,
    maskKey: env.MASK_KEY,
    kafka: { ...env.kafka, clientId: 'tidegate-mobile' },
  },
  doors: {
    allowedOrigins: env.ALLOWED_ORIGINS ?? [],
    ...(env.CONNECTIONS_PER_CALLER && { connectionsPerCaller: env.CONNECTIONS_PER_CALLER }),
  },
  services: {
    customersUrl: env.CUSTOMERS_URL,
    ordersUrl: env.ORDERS_URL,
    accountsUrl: env.ACCOUNTS_URL,
    timeoutMs: env.SERVICES_TIMEOUT_MS,
    token: {
      issuer: env.ISSUER_URL,
      clientId: env.MOBILE_CLIENT_ID,
      clientSecret: env.MOBILE_CLIENT_SECRET,
      timeoutMs: env.SERVICES_TIMEOUT_MS,
    },
  },
}));

export type Config = Readonly<z.output<typeof configSchema>>;

/** @throws ConfigError that names every variable to mend. */
export function readConfig(environment?: Parameters<typeof loadConfig>[1]): Config {
  return loadConfig(configSchema, environment);
}
