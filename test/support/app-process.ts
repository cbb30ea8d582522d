import { LocalServer } from '@tidegate/infra';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

/**
 * Every check passes; or only the required ones, for who starts an app without the others; or only its doors are open; or
 * only the process answers.
 */
export type StartedWhen = 'ready' | 'serving' | 'open' | 'live';

export interface AppProcessOptions {
  app: string;
  /** Tells replicas apart in log files and messages. */
  replica?: string;
  opsPort: number;
  env: Record<string, string>;
  until?: StartedWhen;
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
    isReady: () => hasStarted(`http://127.0.0.1:${opsPort}`, until),
    readyTimeoutMs: 60_000,
  });
  await server.start();
  return server;
}

/** What an app can do without is awaited too: it may still be connecting, and then refuses what needs it. */
export async function hasStarted(opsUrl: string, when: StartedWhen): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/${when === 'live' ? 'livez' : 'readyz'}`, {
      signal: AbortSignal.timeout(2_000),
    });
    if (when === 'live' || when === 'serving') return response.ok;
    const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean }> };
    if (when === 'open') return checks['startup']?.ok === true;
    if (!response.ok) return false;
    return Object.values(checks).every(({ ok }) => ok);
  } catch {
    return false;
  }
}
