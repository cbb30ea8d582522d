import { startPostgres, type LocalStore } from '@tidegate/infra';
import { createPool, inTransaction, migrate, PostgresHealth, Session, type Pool } from '@tidegate/postgres';
import { createLogger } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';

const logger = createLogger({ service: 'test', level: 'silent' });
let server: LocalStore;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = createPool({ url: server.url, statementTimeoutMs: 1_000, connectTimeoutMs: 1_000 }, { logger });
});

afterAll(async () => {
  await pool.close();
  await server.stop();
});

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(10);
  }
}

describe('migrate()', () => {
  it('applies each step once, whoever starts at the same time', async () => {
    const steps = [
      { id: '1', sql: 'CREATE TABLE runs (n int); INSERT INTO runs VALUES (1);' },
      { id: '2', sql: 'UPDATE runs SET n = n + 1' },
    ];
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(pool, steps)));
    expect(applied.flat().sort()).toEqual(['1', '2']);
    expect((await pool.query('SELECT n FROM runs')).rows).toEqual([{ n: 2 }]);
  });

  it('leaves nothing behind of steps that fail', async () => {
    const steps = [
      { id: '3', sql: 'CREATE TABLE half (n int)' },
      { id: '4', sql: 'CREATE TABLE nonsense' },
    ];
    await expect(migrate(pool, steps)).rejects.toMatchObject({ code: '42601' });
    const { rows } = await pool.query(`SELECT to_regclass('half') AS half`);
    expect(rows).toEqual([{ half: null }]);
  });
});

describe('a statement', () => {
  it('ends at its time limit, and the connection goes on', async () => {
    await expect(pool.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ code: 'timeout' });
    await expect(pool.query('SELECT pg_sleep(0.1)')).resolves.toMatchObject({ count: 1 });
  });

  it('of two in a deadlock one hears conflict', async () => {
    await pool.query('CREATE TABLE locks AS SELECT n FROM generate_series(1, 2) n');
    // Deadlocks are looked for after a second, which is when the pool of this test gives up.
    const patient = createPool({ url: server.url }, { logger });
    const touch = (first: number, second: number) =>
      inTransaction(patient, async (transaction) => {
        await transaction.query('UPDATE locks SET n = n WHERE n = $1', [first]);
        await sleep(50);
        await transaction.query('UPDATE locks SET n = n WHERE n = $1', [second]);
      });
    const outcomes = await Promise.allSettled([touch(1, 2), touch(2, 1)]);
    await patient.close();
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed.map(({ reason }) => (reason as { code: string }).code)).toEqual(['conflict']);
  });
});

describe('a server that comes and goes', () => {
  it('is mute: queries end as unavailable, and work again when it speaks', async () => {
    await server.pause();
    const startedAt = Date.now();
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(Date.now() - startedAt).toBeLessThan(6_000);
    await server.resume();
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ count: 1 });
  });

  it('dies with connections idle and busy: nothing crashes, the reason shows, and it comes back by itself', async () => {
    const health = new PostgresHealth(pool);
    let lost = false;
    const notes: string[] = [];
    const session = await Session.open(
      { url: server.url },
      { onLost: () => (lost = true), onNotification: (channel, payload) => notes.push(`${channel}:${payload}`) },
    );
    await session.query('LISTEN news');
    await session.query('SELECT pg_advisory_lock(42)');
    await pool.query(`SELECT pg_notify('news', 'hello')`);
    await until(() => notes.length > 0);
    expect(notes).toEqual(['news:hello']);

    const busy = pool.query('SELECT pg_sleep(0.9)');
    busy.catch(() => undefined);
    await sleep(50);
    await server.kill();
    await expect(busy).rejects.toMatchObject({ code: 'unavailable' });
    await until(() => lost);
    await expect(session.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await health.check()).toEqual({ ok: false, reason: 'The database is not available.' });

    await server.restart();
    expect(await health.check()).toEqual({ ok: true });
    // The lock died with its connection.
    const next = await Session.open({ url: server.url });
    expect((await next.query('SELECT pg_try_advisory_lock(42) AS locked')).rows).toEqual([{ locked: true }]);
    await Promise.all([session.close(), next.close()]);
  });
});
