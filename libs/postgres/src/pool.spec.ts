import { createLogger } from '@tidegate/telemetry';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PostgresHealth } from './health';
import { createPool, type Pool } from './pool';
import { Session } from './session';

const logger = createLogger({ service: 'test', level: 'silent' });
const servers: Server[] = [];
const pools: Pool[] = [];

/** A server on loopback that is not PostgreSQL. */
async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `postgres://someone:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/db`;
}

function poolTo(url: string): Pool {
  const pool = createPool({ url, connectTimeoutMs: 100 }, { logger });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  for (const server of servers.splice(0)) server.close();
});

describe('createPool()', () => {
  it.each([
    ['hangs up', (socket: Socket) => void socket.destroy()],
    ['says nothing', () => undefined],
  ])('gives unavailable where the server %s', async (_what, onConnection) => {
    const pool = poolTo(await listen(onConnection));
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives unavailable where nobody listens, and names no secret', async () => {
    const error: unknown = await poolTo('postgres://someone:hunter2@127.0.0.1:1/db')
      .query('SELECT 1')
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect((error as Error).message).not.toContain('hunter2');
  });

  it('closes twice without complaint', async () => {
    const pool = createPool({ url: 'postgres://127.0.0.1:1/db' }, { logger });
    await Promise.all([pool.close(), pool.close()]);
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuses what is no PostgreSQL address', () => {
    expect(() => createPool({ url: 'mysql://127.0.0.1/db' }, { logger })).toThrow('postgres://');
  });
});

describe(Session.name, () => {
  it('rejects as unavailable where nobody listens', async () => {
    await expect(Session.open({ url: 'postgres://127.0.0.1:1/db' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe(PostgresHealth.name, () => {
  it('gives the reason, and nothing of a mistake in its query', async () => {
    const health = new PostgresHealth(poolTo('postgres://127.0.0.1:1/db'));
    expect(await health.check()).toEqual({ ok: false, reason: 'The database is not available.' });
    const broken = new PostgresHealth({ query: () => Promise.reject(new Error('secret')) });
    expect(await broken.check()).toEqual({ ok: false, reason: 'The database refused a query.' });
  });
});
