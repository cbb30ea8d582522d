import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Linux counts processor time in hundredths of a second. */
const ticksPerMs = 0.1;

/** How much of the machine other processes take: what it is busy with, less what we and all that we started use. */
export class OthersMeter {
  private readonly startedAtMs = performance.now();
  private readonly atStart = readTicks();

  /** Of all processors since this meter was made; 0 where the system does not say. */
  share(): number {
    const ms = performance.now() - this.startedAtMs;
    const now = readTicks();
    const others = now.busy - this.atStart.busy - (now.own - this.atStart.own);
    return Math.max(0, others / (ms * ticksPerMs * cpus().length));
  }
}

function readTicks(): { busy: number; own: number } {
  if (!existsSync('/proc/stat')) return { busy: 0, own: 0 };
  // Time stolen by other virtual machines is taken from us just the same.
  const [, user = 0, nice = 0, system = 0, , , , , stolen = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number);
  return { busy: user + nice + system + stolen, own: ownTicks() };
}

/** Of this process and its descendants; those that ended are counted where their parents waited for them. */
function ownTicks(): number {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const pid = Number(entry);
    const fields = statOf(pid);
    if (!fields) continue;
    const [parent = 0, ...times] = [1, 11, 12, 13, 14].map((field) => Number(fields[field]));
    ticks.set(
      pid,
      times.reduce((sum, time) => sum + time, 0),
    );
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), ticks.get(pid) ?? 0);
  return sum(process.pid);
}

/** From the state on, which follows the name; undefined when the process has just ended. */
function statOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}
