import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { localDirectory } from '../infra/directories.ts';
import { markedProcess, markProcess, processStart, unmarkProcess } from '../process-mark.ts';
import { endServers } from '../supervisor.ts';

const markFile = path.join(localDirectory, 'run/start');
// A terminal sends SIGINT to npm and to us, and npm hands it on: two within this time are one Ctrl-C.
const sameKeyMs = 200;
const pollMs = 500;

/** The process that uses the local state now. */
export function stateOwner(): number | undefined {
  return markedProcess(markFile);
}

/** Only one process at a time may use the local state. @throws Error when another does */
export function claimState(): void {
  const owner = stateOwner();
  if (owner !== undefined) throw new Error(`npm start or npm run infra runs already (process ${owner}): end it first.`);
  markProcess(markFile, process.pid);
  process.once('exit', () => unmarkProcess(markFile));
}

/**
 * Calls `stop` once on Ctrl-C, SIGTERM, a closed terminal, and when npm is killed, which cannot tell us. Another signal
 * after that ends everything at once.
 */
export function onEnd(stop: () => void): void {
  let firstAt: number | undefined;
  const receive = () => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > sameKeyMs) {
      void endServers('kill').finally(() => process.exit(130));
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, receive);

  const isOrphaned = orphanCheck();
  const poll = setInterval(() => {
    if (firstAt === undefined && isOrphaned()) receive();
  }, pollMs);
  poll.unref();
}

/** Whether npm, which may have put a shell between itself and us, has gone. */
function orphanCheck(): () => boolean {
  if (process.env['npm_lifecycle_event'] === undefined) return () => false;
  const parent = process.ppid;
  const npm = isShell(parent) ? Number(ask(parent, 'ppid')) : parent;
  const npmStart = processStart(npm);
  return () => process.ppid !== parent || processStart(npm) !== npmStart;
}

function isShell(pid: number): boolean {
  return /^(\S*\/)?(ba|da|a|z|k)?sh(\s|$)/.test(ask(pid, 'args'));
}

function ask(pid: number, field: 'ppid' | 'args'): string {
  const { stdout } = spawnSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}
