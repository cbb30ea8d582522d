import { Connection, type Pool } from './pool';
import { inTransaction } from './transaction';

/** A connection of which some statements fail. */
function poolOf(failures: Record<string, Error> = {}) {
  const statements: string[] = [];
  const query = (text: string) => {
    statements.push(text);
    return failures[text] ? Promise.reject(failures[text]) : Promise.resolve({ rows: [], rowCount: 0 });
  };
  const connection = new Connection({ query: query as ConstructorParameters<typeof Connection>[0]['query'] });
  const pool: Pick<Pool, 'withConnection'> = { withConnection: (work) => work(connection) };
  return { pool, statements, connection };
}

const lost = () => Object.assign(new Error('read'), { code: 'ECONNRESET' });

describe('inTransaction()', () => {
  it('commits what resolves', async () => {
    const { pool, statements } = poolOf();
    const result = await inTransaction(pool, async (connection) => {
      await connection.query('INSERT');
      return 7;
    });
    expect(result).toBe(7);
    expect(statements).toEqual(['BEGIN', 'INSERT', 'COMMIT']);
  });

  it('rolls back what rejects, and keeps the first error', async () => {
    const { pool, statements, connection } = poolOf({ ROLLBACK: new Error('second') });
    await expect(inTransaction(pool, () => Promise.reject(new Error('first')))).rejects.toThrow('first');
    expect(statements).toEqual(['BEGIN', 'ROLLBACK']);
    expect(connection.broken).toBe(true);
  });

  it('does not roll back on a connection that is gone', async () => {
    const { pool, statements } = poolOf({ INSERT: lost() });
    const done = inTransaction(pool, (connection) => connection.query('INSERT'));
    await expect(done).rejects.toMatchObject({ code: 'unavailable', outcome: undefined });
    expect(statements).toEqual(['BEGIN', 'INSERT']);
  });

  it('says that nobody knows when the answer to the commit is lost', async () => {
    const { pool } = poolOf({ COMMIT: lost() });
    await expect(inTransaction(pool, () => Promise.resolve())).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
    });
  });
});
