import { flag, list, loadConfig, milliseconds, port, url } from '@tidegate/config';
import { kafkaEnvironmentSchema } from '@tidegate/kafka';
import { rateLimitOptionsSchema } from '@tidegate/ratelimit';
import { logLevels } from '@tidegate/telemetry';
import { largestMaxFrameBytes } from '@tidegate/wire';
import path from 'node:path';
import { z } from 'zod';
import { acceptOptionsSchema } from './connection/accept-limits';
import { connectionOptionsSchema } from './connection/options';

/** At least 32 bytes as base64url. */
const tokenKey = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url'))
  .refine((key) => key.length >= 32, 'expected one or two keys of at least 32 bytes as base64url, separated by commas');

function count(max: number) {
  const expected = `expected a whole number from 1 to ${max}`;
  return z
    .string({ error: expected })
    .regex(/^[1-9]\d{0,9}$/, expected)
    .transform(Number)
    .refine((value) => value <= max, expected);
}

const many = 1_000_000_000;

const environmentSchema = z
  .object({
    IOT_TCP_PORT: port().default(9400),
    IOT_TLS_PORT: port().default(9401),
    IOT_OPS_PORT: port().default(9085),
    HOST: z.string().default('127.0.0.1'),
    /** `loopback`: for devices on this host; `off`: TLS only. */
    IOT_PLAIN: z.enum(['loopback', 'off', 'trusted-hop']).default('loopback'),
    IOT_TLS_CERT_FILE: z.string().optional(),
    IOT_TLS_KEY_FILE: z.string().optional(),
    /** Of the authorities whose certificates devices may show. */
    IOT_TLS_CLIENT_CA_FILE: z.string().optional(),
    LOG_LEVEL: z.enum(logLevels).default('info'),
    CATALOG_DIR: z.string(),
    IOT_CATALOG_DIR: z.string().default('apps/iot/catalog'),
    REDIS_URL: url('redis', 'rediss').optional(),
    DEVICE_TOKEN_KEYS: list().pipe(z.array(tokenKey).max(2, 'expected one or two keys')),
    IOT_MAX_FRAME_BYTES: count(largestMaxFrameBytes).optional(),
    IOT_MAX_CONNECTIONS: count(many).optional(),
    IOT_CONNECTIONS_PER_IP: count(many).optional(),
    IOT_ACCEPTS_PER_SECOND_PER_IP: count(many).optional(),
    IOT_LIMIT_LOOPBACK: flag().default(false),
    IOT_FRAMES_PER_SECOND: count(many).optional(),
    IOT_BYTES_PER_SECOND: count(many).optional(),
    IOT_DRAIN_MS: milliseconds().default(5_000),
    IOT_RESTART_SPREAD_MS: milliseconds().default(30_000),
    DRAIN_DELAY_MS: milliseconds().default(0),
    AUDIT_QUEUE_EVENTS: z.coerce.number().int().min(10).max(1_000_000).default(10_000),
    AUDIT_FLUSH_MS: milliseconds().default(3_000),
    REPLICAS: z.coerce.number().pipe(rateLimitOptionsSchema.shape.replicas).optional(),
  })
  .superRefine((env, context) => {
    const report = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (env.IOT_PLAIN === 'trusted-hop') {
      report(
        'IOT_PLAIN',
        'trusted-hop needs PROXY protocol v2, which is not offered yet: use loopback, or off and TLS',
      );
    }
    const { IOT_TLS_CERT_FILE: certificate, IOT_TLS_KEY_FILE: key } = env;
    if (certificate !== undefined && key === undefined)
      report('IOT_TLS_KEY_FILE', 'is missing beside IOT_TLS_CERT_FILE');
    if (certificate === undefined && key !== undefined)
      report('IOT_TLS_CERT_FILE', 'is missing beside IOT_TLS_KEY_FILE');
    if (env.IOT_TLS_CLIENT_CA_FILE !== undefined && certificate === undefined) {
      report('IOT_TLS_CERT_FILE', 'is missing beside IOT_TLS_CLIENT_CA_FILE');
    }
    if (env.IOT_PLAIN === 'off' && certificate === undefined) {
      report('IOT_PLAIN', 'off leaves no listener without IOT_TLS_CERT_FILE and IOT_TLS_KEY_FILE');
    }
  });

const configSchema = environmentSchema.and(kafkaEnvironmentSchema).transform((env) => ({
  host: env.HOST,
  opsPort: env.IOT_OPS_PORT,
  logLevel: env.LOG_LEVEL,
  catalogDirectory: env.CATALOG_DIR,
  drainDelayMs: env.DRAIN_DELAY_MS,
  kafka: { ...env.kafka, clientId: 'tidegate-iot' },
  redis: env.REDIS_URL === undefined ? undefined : { url: env.REDIS_URL },
  tokenKeys: env.DEVICE_TOKEN_KEYS,
  limits: {
    limitsFile: path.join(env.IOT_CATALOG_DIR, 'limits.yaml'),
    ...(env.REPLICAS && { replicas: env.REPLICAS }),
  },
  audit: {
    app: 'iot',
    maxEvents: env.AUDIT_QUEUE_EVENTS,
    flushMs: env.AUDIT_FLUSH_MS,
    kafka: { ...env.kafka, clientId: 'tidegate-iot-audit' },
  },
  server: {
    plain: env.IOT_PLAIN === 'loopback' ? { port: env.IOT_TCP_PORT } : undefined,
    tls:
      env.IOT_TLS_CERT_FILE === undefined || env.IOT_TLS_KEY_FILE === undefined
        ? undefined
        : {
            host: env.HOST,
            port: env.IOT_TLS_PORT,
            certificateFile: env.IOT_TLS_CERT_FILE,
            keyFile: env.IOT_TLS_KEY_FILE,
            ...(env.IOT_TLS_CLIENT_CA_FILE !== undefined && { authoritiesFile: env.IOT_TLS_CLIENT_CA_FILE }),
          },
    connection: connectionOptionsSchema.parse({
      maxFrameBytes: env.IOT_MAX_FRAME_BYTES,
      framesPerSecond: env.IOT_FRAMES_PER_SECOND,
      bytesPerSecond: env.IOT_BYTES_PER_SECOND,
    }),
    accept: acceptOptionsSchema.parse({
      maxConnections: env.IOT_MAX_CONNECTIONS,
      connectionsPerIp: env.IOT_CONNECTIONS_PER_IP,
      acceptsPerSecondPerIp: env.IOT_ACCEPTS_PER_SECOND_PER_IP,
      limitLoopback: env.IOT_LIMIT_LOOPBACK,
    }),
    drainMs: env.IOT_DRAIN_MS,
    restartSpreadMs: env.IOT_RESTART_SPREAD_MS,
  },
}));

export type Config = Readonly<z.output<typeof configSchema>>;

/** @throws ConfigError that names every variable to mend. */
export function readConfig(environment?: Parameters<typeof loadConfig>[1]): Config {
  return loadConfig(configSchema, environment);
}
