import { apiKeysOptionsSchema } from '@tidegate/auth';
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
  PARTNER_PORT: port().default(8083),
  PARTNER_OPS_PORT: port().default(9083),
  HOST: z.string().default('127.0.0.1'),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  CATALOG_DIR: z.string(),
  PARTNER_CATALOG_DIR: z.string().default('apps/partner/catalog'),
  // Without Redis this process counts and remembers alone.
  REDIS_URL: url('redis', 'rediss').optional(),
  CURSOR_KEYS: list().pipe(z.array(cursorKeySchema)),
  MASK_KEY: maskKeySchema.optional(),
  ALLOWED_ORIGINS: list().optional(),
  CONNECTIONS_PER_CALLER: z.coerce.number().int().min(1).max(1_000_000).optional(),
  ISSUER_URL: url().default('http://127.0.0.1:8090'),
  API_KEYS_FILE: z.string().min(1),
  API_KEYS_PEPPER: z.string().min(32, 'expected at least 32 characters'),
  API_KEYS_ENVIRONMENT: apiKeysOptionsSchema.shape.environment,
  PARTNER_CLIENT_ID: z.string().default('partner-bff'),
  PARTNER_CLIENT_SECRET: z.string(),
  ACCOUNTS_URL: url().default('http://127.0.0.1:8093'),
  SERVICES_TIMEOUT_MS: milliseconds().default(1_500),
  PRODUCE_TIMEOUT_MS: milliseconds().pipe(z.number().min(100).max(6_000)).default(5_000),
  AUDIT_QUEUE_EVENTS: z.coerce.number().int().min(10).max(1_000_000).default(10_000),
  AUDIT_FLUSH_MS: milliseconds().default(3_000),
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
  port: env.PARTNER_PORT,
  opsPort: env.PARTNER_OPS_PORT,
  logLevel: env.LOG_LEVEL,
  drainDelayMs: env.DRAIN_DELAY_MS,
  tls: env.edge.tls,
  auth: {
    issuer: env.ISSUER_URL,
    audience: 'tidegate',
    ...proofOptions(env.edge, env.PARTNER_PORT),
    apiKeys: { file: env.API_KEYS_FILE, pepper: env.API_KEYS_PEPPER, environment: env.API_KEYS_ENVIRONMENT },
  },
  redis: env.REDIS_URL === undefined ? undefined : { url: env.REDIS_URL },
  limits: {
    limitsFile: path.join(env.PARTNER_CATALOG_DIR, 'limits.yaml'),
    ...(env.TRUSTED_PROXIES && { trustedProxies: env.TRUSTED_PROXIES }),
    ...(env.REPLICAS && { replicas: env.REPLICAS }),
  },
  audit: {
    app: 'partner',
    maxEvents: env.AUDIT_QUEUE_EVENTS,
    flushMs: env.AUDIT_FLUSH_MS,
    kafka: { ...env.kafka, clientId: 'tidegate-partner-audit' },
  },
  streams: {
    catalogDirectory: env.CATALOG_DIR,
    cursorKeys: env.CURSOR_KEYS,
    schemaRegistry: env.schemaRegistry,
    maskKey: env.MASK_KEY,
    kafka: { ...env.kafka, clientId: 'tidegate-partner' },
  },
  doors: {
    allowedOrigins: env.ALLOWED_ORIGINS ?? [],
    ...(env.CONNECTIONS_PER_CALLER && { connectionsPerCaller: env.CONNECTIONS_PER_CALLER }),
  },
  requests: {
    kafka: { ...env.kafka, clientId: 'tidegate-partner-requests' },
    timeoutMs: env.PRODUCE_TIMEOUT_MS,
  },
  accounts: {
    url: env.ACCOUNTS_URL,
    timeoutMs: env.SERVICES_TIMEOUT_MS,
    token: {
      issuer: env.ISSUER_URL,
      clientId: env.PARTNER_CLIENT_ID,
      clientSecret: env.PARTNER_CLIENT_SECRET,
      timeoutMs: env.SERVICES_TIMEOUT_MS,
    },
  },
}));

export type Config = Readonly<z.output<typeof configSchema>>;

/** @throws ConfigError that names every variable to mend. */
export function readConfig(environment?: Parameters<typeof loadConfig>[1]): Config {
  return loadConfig(configSchema, environment);
}
