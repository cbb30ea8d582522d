import { flag, list, url } from '@tidegate/config';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { clientCredentialsToken } from './client-credentials';
import type { KafkaOptions } from './options';
import type { SaslOptions, TlsOptions } from './security';

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

const pemFile = z.string().transform((file, context) => {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch {
    // Said below, without the file's name: an environment may hold the key itself by mistake.
  }
  context.addIssue({ code: 'custom', message: 'expected the path of a readable PEM file' });
  return z.NEVER;
});

const variables = z.object({
  KAFKA_BROKERS: list(),
  /** The zone of this process, to read from replicas in it. */
  NODE_ZONE: z.string().optional(),
  KAFKA_TLS: flag().optional(),
  KAFKA_TLS_CA_FILE: pemFile.optional(),
  KAFKA_TLS_CERT_FILE: pemFile.optional(),
  KAFKA_TLS_KEY_FILE: pemFile.optional(),
  KAFKA_SASL_MECHANISM: z.enum(mechanisms, `expected one of ${mechanisms.join(', ')}`).optional(),
  /** The client id where the mechanism is oauthbearer. */
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  /** OAuth 2.0 token endpoint, for oauthbearer. */
  KAFKA_SASL_TOKEN_URL: url().optional(),
});

type Variables = z.output<typeof variables>;

/** How an app's environment says the way to Kafka; gives `{ kafka }`, which lacks only a client id. Apps add it with `.and(…)`. */
export const kafkaEnvironmentSchema = variables
  .superRefine((env, context) => {
    for (const [name, expected] of problems(env)) {
      context.addIssue({ code: 'custom', path: [name], message: expected });
    }
  })
  .transform((env) => ({ kafka: connectionOf(env) }));

function* problems(env: Variables): Generator<[keyof Variables, string]> {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key } = env;
  if (cert !== undefined && key === undefined) yield ['KAFKA_TLS_KEY_FILE', 'is missing beside KAFKA_TLS_CERT_FILE'];
  if (cert === undefined && key !== undefined) yield ['KAFKA_TLS_CERT_FILE', 'is missing beside KAFKA_TLS_KEY_FILE'];
  if (env.KAFKA_TLS === false && tlsFiles(env).length > 0) yield ['KAFKA_TLS', 'is off beside files for TLS'];
  const credentials = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
  const given = credentials.find((name) => env[name] !== undefined);
  if (mechanism === undefined && given) yield ['KAFKA_SASL_MECHANISM', `is missing beside ${given}`];
  for (const name of mechanism === undefined ? [] : credentials) {
    if (env[name] === undefined) yield [name, 'is missing beside KAFKA_SASL_MECHANISM'];
  }
  if ((mechanism === 'oauthbearer') !== (env.KAFKA_SASL_TOKEN_URL !== undefined)) {
    yield ['KAFKA_SASL_TOKEN_URL', 'is set where KAFKA_SASL_MECHANISM is oauthbearer, and only there'];
  }
}

function connectionOf(env: Variables): Omit<KafkaOptions, 'clientId'> {
  const sasl = saslOf(env);
  return {
    brokers: env.KAFKA_BROKERS,
    ssl: tlsOf(env),
    ...(env.NODE_ZONE !== undefined && { rackId: env.NODE_ZONE }),
    ...(sasl && { sasl }),
  };
}

function tlsOf(env: Variables): boolean | TlsOptions {
  const files = tlsFiles(env);
  return files.length > 0 ? Object.fromEntries(files) : (env.KAFKA_TLS ?? false);
}

function tlsFiles(env: Variables): [string, string][] {
  const { KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key } = env;
  return Object.entries({ ca, cert, key }).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
}

function saslOf(env: Variables): SaslOptions | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  if (mechanism === undefined || username === undefined || password === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  const tokenUrl = env.KAFKA_SASL_TOKEN_URL ?? '';
  return { mechanism, token: clientCredentialsToken({ tokenUrl, clientId: username, clientSecret: password }) };
}
