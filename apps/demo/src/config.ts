import { list, loadConfig, milliseconds, port, url } from '@tidegate/config';
import { kafkaEnvironmentSchema } from '@tidegate/kafka';
import { logLevels } from '@tidegate/telemetry';
import path from 'node:path';
import { z } from 'zod';

/** How many times faster than the shop's own 18 orders an hour; 100 is an order every two seconds. */
const replaySpeed = z
  .string()
  .regex(/^\d{1,5}(\.\d+)?$/, 'expected a number from 0 (off) to 10000')
  .transform(Number)
  .refine((speed) => speed <= 10_000, 'expected a number from 0 (off) to 10000');

const environmentSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  DEMO_CUSTOMERS_PORT: port().default(8091),
  DEMO_ORDERS_PORT: port().default(8092),
  DEMO_ACCOUNTS_PORT: port().default(8093),
  DEMO_ISSUER_PORT: port().default(8090),
  DEMO_OPS_PORT: port().default(9086),
  ISSUER_URL: url().optional(),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  DATABASE_URL: url('postgres', 'postgresql'),
  LOCAL_DIR: z.string().default('.local'),
  DEMO_DATA_DIR: z.string().optional(),
  DEMO_REPLAY_SPEED: replaySpeed.default(100),
  MOBILE_CLIENT_SECRET: z.string().min(8, 'expected at least 8 characters').optional(),
  WEB_CLIENT_SECRET: z.string().min(8, 'expected at least 8 characters').optional(),
  PARTNER_CLIENT_SECRET: z.string().min(8, 'expected at least 8 characters').optional(),
  DEMO_REDIRECT_URIS: list()
    .pipe(z.array(url()))
    .default(['http://127.0.0.1:8080/callback', 'http://localhost:8080/callback']),
  DRAIN_DELAY_MS: milliseconds().default(0),
});

const configSchema = environmentSchema.and(kafkaEnvironmentSchema).transform((env) => {
  const issuerUrl = (env.ISSUER_URL ?? `http://127.0.0.1:${env.DEMO_ISSUER_PORT}`).replace(/\/$/, '');
  const secrets = {
    'mobile-bff': env.MOBILE_CLIENT_SECRET,
    'web-bff': env.WEB_CLIENT_SECRET,
    'partner-bff': env.PARTNER_CLIENT_SECRET,
  };
  return {
    host: env.HOST,
    ports: {
      customers: env.DEMO_CUSTOMERS_PORT,
      orders: env.DEMO_ORDERS_PORT,
      accounts: env.DEMO_ACCOUNTS_PORT,
      ops: env.DEMO_OPS_PORT,
    },
    logLevel: env.LOG_LEVEL,
    drainDelayMs: env.DRAIN_DELAY_MS,
    auth: { issuer: issuerUrl, audience: 'tidegate' },
    issuer: {
      url: issuerUrl,
      host: env.HOST,
      port: env.DEMO_ISSUER_PORT,
      keysFile: path.join(env.LOCAL_DIR, 'issuer-keys.json'),
      clients: Object.entries(secrets).flatMap(([id, secret]) =>
        secret === undefined ? [] : [{ id, secret, identity: { roles: ['service'] } }],
      ),
      partnersFile: path.join(env.LOCAL_DIR, 'issuer-clients.json'),
      redirectUris: env.DEMO_REDIRECT_URIS,
    },
    postgres: { url: env.DATABASE_URL, applicationName: 'tidegate-demo' },
    kafka: { ...env.kafka, clientId: 'tidegate-demo' },
    // The bundle finds the sample beside itself.
    dataDirectory: env.DEMO_DATA_DIR ?? path.join(__dirname, 'data'),
    replaySpeed: env.DEMO_REPLAY_SPEED,
  };
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** @throws ConfigError that names every variable to mend. */
export function readConfig(environment?: Parameters<typeof loadConfig>[1]): Config {
  return loadConfig(configSchema, environment);
}
