import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Account } from '../supervisor.ts';

export const root = path.resolve(import.meta.dirname, '../..');
const cacheDirectory = path.join(root, '.local/cache');

/** A directory of `.local/cache` that is filled once; it appears only when `fill` has succeeded. */
export async function cached(name: string, fill: (directory: string) => Promise<unknown>): Promise<string> {
  const directory = path.join(cacheDirectory, name);
  if (existsSync(directory)) return directory;
  mkdirSync(cacheDirectory, { recursive: true });
  const unlock = await lock(`${directory}.lock`);
  try {
    if (existsSync(directory)) return directory;
    const unfinished = mkdtempSync(path.join(cacheDirectory, 'unfinished-'));
    try {
      await fill(unfinished);
      renameSync(unfinished, directory);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
    return directory;
  } finally {
    unlock();
  }
}

/** `npm start` and `npm test` may fill the cache at the same moment: one does, the other waits. */
async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch {
      if (!holderIsAlive(file)) rmSync(file, { force: true });
      await sleep(100);
    }
  }
}

function holderIsAlive(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')) || process.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const execute = promisify(execFile);

export interface Printed {
  stdout: string;
  stderr: string;
}

interface RunOptions {
  cwd?: string;
  timeoutMs?: number;
  account?: Account | undefined;
}

/** Runs a program to its end. @throws Error with what it printed */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Printed> {
  const { cwd, timeoutMs: timeout, account } = options;
  const running = execute(command, args, { cwd, timeout, maxBuffer: 1 << 26, ...account });
  const endWithUs = () => running.child.kill();
  process.once('exit', endWithUs);
  try {
    return await running;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const printed = (stderr.trim() || stdout.trim()).slice(-1500);
    throw new Error(`${command} failed: ${printed || message}`, { cause: error });
  } finally {
    process.off('exit', endWithUs);
  }
}

export async function succeeds(command: string, args: string[], timeoutMs = 15_000): Promise<boolean> {
  return run(command, args, { timeoutMs }).then(
    () => true,
    () => false,
  );
}
