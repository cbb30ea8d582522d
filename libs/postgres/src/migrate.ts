import type { Connection, Pool } from './pool';
import { inTransaction } from './transaction';

/** One step of the schema. Ids are unique and never change; a step runs once, in the order of the list. */
export interface Migration {
  id: string;
  sql: string;
}

// Any number will do as long as all replicas take the same one.
const lockId = 7_433_001;

/** Applies what is missing, each step with its mark in one transaction. Replicas that start together take turns. */
export async function migrate(pool: Pool, migrations: readonly Migration[]): Promise<string[]> {
  return inTransaction(pool, async (connection) => {
    await connection.query('SELECT pg_advisory_xact_lock($1)', [lockId]);
    await connection.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (id text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const missing = await missingOf(connection, migrations);
    for (const { id, sql } of missing) {
      await connection.query(sql);
      await connection.query('INSERT INTO schema_migrations (id) VALUES ($1)', [id]);
    }
    return missing.map(({ id }) => id);
  });
}

async function missingOf(connection: Connection, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await connection.query<{ id: string }>('SELECT id FROM schema_migrations');
  const applied = new Set(rows.map(({ id }) => id));
  return migrations.filter(({ id }) => !applied.has(id));
}
