import type { Logger } from '@tidegate/telemetry';
import { Pool as DriverPool, type PoolClient } from 'pg';
import { isConnectionError, translate } from './errors';
import { clientConfig, type PostgresDeps, type PostgresOptions } from './options';

export type Row = Record<string, unknown>;

export interface Result<R> {
  rows: R[];
  /** Rows read or changed. */
  count: number;
}

/** What runs a statement: the pool, or the connection of a transaction. */
export interface Queryable {
  /** @throws AppError `unavailable`, `timeout` or `conflict`; the driver's error for a mistake in the statement. */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<Result<R>>;
}

/** A connection lent for a while. */
export class Connection implements Queryable {
  /** Set by the first error that makes the connection useless. */
  broken = false;

  constructor(private readonly client: Pick<PoolClient, 'query'>) {}

  async query<R extends Row = Row>(text: string, values: readonly unknown[] = []): Promise<Result<R>> {
    try {
      // Without values the simple protocol is used, which takes several statements at once: migrations need it.
      const result = await (values.length === 0
        ? this.client.query<R>(text)
        : this.client.query<R>(text, values as unknown[]));
      return { rows: result.rows, count: result.rowCount ?? 0 };
    } catch (error) {
      this.broken ||= isConnectionError(error);
      throw translate(error);
    }
  }
}

/** Connections to one PostgreSQL server. Lost ones are replaced on the next use. */
export class Pool implements Queryable {
  private readonly driver: DriverPool;

  constructor(options: PostgresOptions, { logger }: PostgresDeps) {
    this.driver = new DriverPool(clientConfig(options));
    listen(this.driver, logger);
  }

  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<Result<R>> {
    return this.withConnection((connection) => connection.query<R>(text, values));
  }

  /** Lends one connection to `work`. */
  async withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const client = await this.driver.connect().catch((error: unknown) => {
      throw translate(error);
    });
    // The driver emits the loss of a lent connection as an event of the client, besides failing its query.
    const ignore = () => undefined;
    client.on('error', ignore);
    const connection = new Connection(client);
    try {
      return await work(connection);
    } finally {
      client.off('error', ignore);
      client.release(connection.broken);
    }
  }

  /** Waits for lent connections to come back, then closes all. */
  close(): Promise<void> {
    return this.driver.ended || this.driver.ending ? Promise.resolve() : this.driver.end();
  }
}

/** A pool over the server at `url`. It connects on first use: a server that is away is an error of the query only. */
export function createPool(options: PostgresOptions, deps: PostgresDeps): Pool {
  return new Pool(options, deps);
}

function listen(driver: DriverPool, logger: Logger): void {
  // Without a listener the loss of an idle connection would end the process.
  driver.on('error', (error) => logger.warn({ err: error }, 'idle PostgreSQL connection lost'));
}
