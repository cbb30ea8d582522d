import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../infra/cache.ts';
import { localDirectory } from '../infra/directories.ts';
import { isFree } from '../infra/ports.ts';
import { untilMarkedEnds } from '../process-mark.ts';
import { startServer, type Server } from '../supervisor.ts';
import { nodeFlags, portOf, type App } from './apps.ts';
import { followLog } from './log-follower.ts';

// Longer than an app's own grace period of 25 s, which ends it with a message.
const graceMs = 30_000;
const readyTimeoutMs = 90_000;

const markFile = (app: App) => path.join(localDirectory, 'run', app.name);

/** Waits until the app of a killed `npm start` has drained. @throws Error that names the variable of a taken port */
export async function checkPorts(app: App): Promise<void> {
  await untilMarkedEnds(markFile(app), graceMs);
  for (const door of [...app.doors, app.ops]) {
    const port = portOf(door, process.env);
    if (await isFree(port)) continue;
    throw new Error(
      `${door.variable}: port ${port} is taken. End what uses it, or set ${door.variable} to a free one.`,
    );
  }
}

export interface RunningApp {
  app: App;
  server: Server;
}

/** Starts the app's bundle; what it warns of is shown, all it logs is in `.local/logs/<app>.log`. */
export async function runApp(app: App, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<RunningApp> {
  const logFile = path.join(localDirectory, 'logs', `${app.name}.log`);
  const server = await startServer({
    name: app.name,
    command: process.execPath,
    args: [...nodeFlags, path.join(root, 'dist/apps', app.name, 'main.cjs')],
    cwd: root,
    env,
    logFile,
    markFile: markFile(app),
    graceMs,
  });
  const stopFollowing = followLog(logFile, (line) => say(`[${app.name}] ${line}`));
  void server.exited.then(stopFollowing);
  return { app, server };
}

/** Resolves when the app says that it is ready. @throws Error when it does not in time; rejects never when it dies */
export async function untilAppIsReady({ app, server }: RunningApp): Promise<void> {
  const url = `http://127.0.0.1:${portOf(app.ops, process.env)}/readyz`;
  const deadline = Date.now() + readyTimeoutMs;
  let answer = 'no answer';
  while (server.running && Date.now() < deadline) {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (response?.ok === true) return;
    if (response !== undefined) answer = await response.text();
    await sleep(50);
  }
  if (server.running) throw new Error(`${app.name} is not ready after ${readyTimeoutMs / 1000} s: ${answer}`);
}

/** What to say of an app that ended by itself. */
export async function obituary({ app, server }: RunningApp): Promise<string> {
  const { code, signal } = await server.exited;
  return `${app.name} ended with ${signal ?? `code ${code}`}. The end of ${server.logFile}:\n${server.lastLines()}`;
}
