import { AppError } from '@tidegate/errors';
import type { Connection, Pool } from './pool';

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
 * @throws AppError `unavailable` with `outcome: 'unknown'` when the answer to the commit was lost.
 */
export function inTransaction<T>(
  pool: Pick<Pool, 'withConnection'>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return pool.withConnection(async (connection) => {
    await connection.query('BEGIN');
    const result = await work(connection).catch(async (error: unknown) => {
      await rollBack(connection);
      throw error;
    });
    await commit(connection);
    return result;
  });
}

async function commit(connection: Connection): Promise<void> {
  try {
    await connection.query('COMMIT');
  } catch (error) {
    if (!connection.broken) throw error;
    throw new AppError('unavailable', 'The database went away while it was saving.', {
      cause: error,
      outcome: 'unknown',
      retryAfterMs: 1_000,
    });
  }
}

async function rollBack(connection: Connection): Promise<void> {
  if (connection.broken) return;
  try {
    await connection.query('ROLLBACK');
  } catch {
    // The first error is the one that counts; a connection in an unknown state is not lent again.
    connection.broken = true;
  }
}
