import { LocalServer } from '@tidegate/infra';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

export interface AppProcessOptions {
  app: string;
  /** Tells replicas apart in log files and messages. */
  replica?: string;
  opsPort: number;
  env: Record<string, string>;
  /** What counts as started: all required checks pass, or only that the process answers. */
  until?: 'ready' | 'live';
}

/** A bundle in a process of its own, started again on the same ports by `restart()`. */
export async function startApp({
  app,
  replica = app,
  opsPort,
  env,
  until = 'ready',
}: AppProcessOptions): Promise<LocalServer> {
  const bundle = path.join(root, 'dist/apps', app, 'main.cjs');
  if (!existsSync(bundle)) throw new Error(`${bundle} is missing: run nx build ${app}`);
  const server = new LocalServer({
    name: replica,
    command: process.execPath,
    args: [bundle],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    port: opsPort,
    logFile: path.join(root, 'tmp/test-logs', `${replica}-${opsPort}.log`),
    isReady: () => answers(`http://127.0.0.1:${opsPort}/${until === 'ready' ? 'readyz' : 'livez'}`),
    readyTimeoutMs: 60_000,
  });
  await server.start();
  return server;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
