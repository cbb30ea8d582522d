import type { Logger, Registry } from '@tidegate/telemetry';
import { z } from 'zod';
import { saslSchema, tlsSchema } from './security';

const address = z
  .string()
  .regex(/^[^\s:,]+:\d{1,5}$/, 'must be host:port')
  .refine((text) => {
    const port = Number(text.slice(text.lastIndexOf(':') + 1));
    return port >= 1 && port <= 65_535;
  }, 'must have a port from 1 to 65535');

/** How the cluster is reached. Apps compose it into their config; every client of this library takes it. */
export const kafkaOptionsSchema = z.object({
  brokers: z.array(address).min(1),
  clientId: z.string().min(1).default('tidegate'),
  /** True: TLS with the roots of the system. */
  ssl: z.union([z.boolean(), tlsSchema]).default(false),
  sasl: saslSchema.optional(),
  /** Reads come from a replica in this rack where the brokers offer one. */
  rackId: z.string().default(''),
  connectionTimeoutMs: z.number().int().min(100).max(60_000).default(3_000),
  /** How long one request may stay unanswered before its connection is given up. Default: what suits each client. */
  requestTimeoutMs: z.number().int().min(500).max(120_000).optional(),
});

export type KafkaOptions = z.input<typeof kafkaOptionsSchema>;

/** What every client logs and counts with. */
export interface KafkaDeps {
  logger: Logger;
  registry: Registry;
}

export type KafkaSettings = z.output<typeof kafkaOptionsSchema> & { requestTimeoutMs: number };

export function kafkaSettings(options: KafkaOptions, defaultRequestTimeoutMs: number): KafkaSettings {
  const parsed = kafkaOptionsSchema.parse(options);
  return { ...parsed, requestTimeoutMs: parsed.requestTimeoutMs ?? defaultRequestTimeoutMs };
}
