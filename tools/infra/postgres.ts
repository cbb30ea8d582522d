import { existsSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { run } from './cache.ts';
import { dataDirectory } from './directories.ts';
import { LocalStore } from './local-server.ts';
import { freePort, retryTakenPorts } from './ports.ts';
import { findPostgres, makeFor, type PostgresPrograms } from './postgres-programs.ts';

const name = 'tidegate';

export interface PostgresStartOptions {
  /** Where the data stays, safe from a power cut; without it, fast settings and a directory that goes with the server. */
  dir?: string;
  port?: number;
  logFile?: string;
  markFile?: string;
}

/** Starts PostgreSQL with a database of its own and resolves when that answers a query. */
export async function startPostgres(options: PostgresStartOptions = {}): Promise<LocalStore> {
  if (options.port !== undefined) return startOn(options.port, options);
  return retryTakenPorts(async () => startOn(await freePort(), options));
}

async function startOn(port: number, options: PostgresStartOptions): Promise<LocalStore> {
  const programs = findPostgres();
  const directory = dataDirectory(options.dir);
  const data = path.join(directory.path, 'data');
  try {
    await initialise(programs, data);
  } catch (error) {
    directory.remove();
    throw error;
  }
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    ...(directory.temporary && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const url = `postgres://${name}@127.0.0.1:${port}/${name}`;
  return LocalStore.started(url, directory, {
    name: 'PostgreSQL',
    command: programs.postgres,
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    account: programs.account,
    cwd: data,
    port,
    logFile: options.logFile ?? path.join(directory.path, 'server.log'),
    ...(options.markFile !== undefined && { markFile: options.markFile }),
    // SIGINT ends sessions and shuts down in order; SIGTERM would wait for the sessions.
    stopSignal: 'SIGINT',
    isReady: () => answersQuery(port),
    readyTimeoutMs: 30_000,
  });
}

async function initialise({ initdb, account }: PostgresPrograms, data: string): Promise<void> {
  if (existsSync(path.join(data, 'PG_VERSION'))) return;
  makeFor(account, data);
  const options = ['--username', name, '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
  await run(initdb, ['--pgdata', data, ...options], { cwd: data, account });
}

/** Answers a query, and has our database: made on the first start. */
export async function answersQuery(port: number): Promise<boolean> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: name,
    database: 'postgres',
    connectionTimeoutMillis: 1000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${name}`);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
