// Stands between a server and the process that started it. The pipe on stdin closes when that process ends, in whatever
// way; then the server is stopped too. Plain JavaScript: one of these runs per server, and type stripping costs 17 MB.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers';

/** @typedef {import('./supervisor.ts').WatchdogOrder} WatchdogOrder */
/** @typedef {import('./supervisor.ts').WatchdogReport} WatchdogReport */

const reportsFd = 3;
const order = /** @type {WatchdogOrder} */ (JSON.parse(process.argv[2] ?? ''));
let stopping = false;

/** @param {WatchdogReport} message */
function report(message) {
  try {
    writeSync(reportsFd, `${JSON.stringify(message)}\n`);
  } catch {
    // The parent is gone; there is nobody to tell.
  }
}

/** @returns {[pid: number, parent: number][]} */
function processes() {
  if (!existsSync('/proc/self/stat')) {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    return stdout.split('\n').map((line) => {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      return [pid, parent];
    });
  }
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      // The command name before the last parenthesis may hold spaces.
      const [, parent] = readFileSync(`/proc/${entry}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return [[Number(entry), Number(parent)]];
    } catch {
      return [];
    }
  });
}

/**
 * PostgreSQL's children leave the process group, so the group alone is not the server.
 * @param {number} pid
 * @returns {number[]}
 */
function descendants(pid) {
  const all = processes();
  const found = [pid];
  for (const ancestor of found) for (const [child, parent] of all) if (parent === ancestor) found.push(child);
  return found.slice(1);
}

/**
 * @param {number} target
 * @param {NodeJS.Signals} signal
 */
function send(target, signal) {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended already.
  }
}

/** @param {NodeJS.Signals} signal */
function signalAll(signal) {
  if (child.pid === undefined) return;
  for (const pid of descendants(child.pid)) send(pid, signal);
  send(-child.pid, signal);
}

function stop() {
  if (stopping || child.pid === undefined) return;
  stopping = true;
  child.kill(order.stopSignal);
  signalAll('SIGCONT');
  setTimeout(() => signalAll('SIGKILL'), order.graceMs);
}

function parentEnded() {
  if (child.exitCode !== null || child.signalCode !== null) return;
  orphaned = true;
  stop();
}

function removeTemporary() {
  if (order.temporaryDirectory === undefined) return;
  try {
    rmSync(order.temporaryDirectory, { recursive: true, force: true });
    rmdirSync(path.dirname(order.temporaryDirectory));
  } catch {
    // The other servers of the cluster are still in there.
  }
}

let orphaned = false;
const child = spawn(order.command, order.args, {
  cwd: order.cwd,
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  ...(order.account && { uid: order.account.uid, gid: order.account.gid }),
});
child.once('error', (error) => {
  report({ failed: error.message });
  process.exit(127);
});
child.once('spawn', () => report({ pid: child.pid ?? 0 }));
child.once('exit', (code, signal) => {
  // Whatever the server left behind in its group goes with it.
  if (child.pid !== undefined) send(-child.pid, 'SIGKILL');
  if (orphaned) removeTemporary();
  report({ exit: { code, signal } });
  process.exit(0);
});

/** @type {Record<string, () => void>} */
const commands = {
  stop,
  kill: () => signalAll('SIGKILL'),
  pause: () => signalAll('SIGSTOP'),
  resume: () => signalAll('SIGCONT'),
};
const input = createInterface({ input: process.stdin });
input.on('line', (command) => {
  commands[command]?.();
  report({ done: command });
});
input.on('close', parentEnded);
process.stdin.on('error', parentEnded);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
