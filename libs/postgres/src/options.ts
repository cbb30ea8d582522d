import type { Logger } from '@tidegate/telemetry';
import { z } from 'zod';

/** How the server is reached. Apps compose it into their config. */
export const postgresOptionsSchema = z.object({
  url: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://'),
  /** Connections at most. */
  max: z.number().int().min(1).max(200).default(10),
  applicationName: z.string().min(1).default('tidegate'),
  /** How long a caller waits for a connection, be it a free one of the pool or a new one. */
  connectTimeoutMs: z.number().int().min(50).max(60_000).default(3_000),
  /** What one statement may take; the server ends it after that. */
  statementTimeoutMs: z.number().int().min(50).max(3_600_000).default(10_000),
  idleTimeoutMs: z.number().int().min(0).max(3_600_000).default(30_000),
});

export type PostgresOptions = z.input<typeof postgresOptionsSchema>;

export interface PostgresDeps {
  logger: Logger;
}

/** The driver's names for our options. */
export function clientConfig(options: PostgresOptions) {
  const settings = postgresOptionsSchema.parse(options);
  return {
    connectionString: settings.url,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    // The server ends a statement itself; this is for a server that does not answer at all.
    query_timeout: settings.statementTimeoutMs + 2_000,
    // A transaction that somebody forgot must not hold its locks for ever.
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    max: settings.max,
    idleTimeoutMillis: settings.idleTimeoutMs,
  };
}
