import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes down which process something belongs to, so that the next one can tell whether it still runs. */
export function markProcess(file: string, pid: number): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ pid, startedAt: processStart(pid) }));
}

/** The process that the file names, if it still runs; a later process with the same id is not it. */
export function markedProcess(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startedAt?: string };
    return startedAt !== undefined && processStart(pid) === startedAt ? pid : undefined;
  } catch {
    return undefined;
  }
}

export function unmarkProcess(file: string): void {
  rmSync(file, { force: true });
}

/** Waits for the process that the file names. @throws Error when it outlives the time */
export async function untilMarkedEnds(file: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let pid = markedProcess(file); pid !== undefined; pid = markedProcess(file)) {
    if (Date.now() > deadline) {
      throw new Error(`process ${pid} still runs from before (${file}): end it and try again`);
    }
    await sleep(100);
  }
}

/** When a process started, in whatever unit the system has; undefined when it is gone or only waits to be reaped. */
export function processStart(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    }
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
