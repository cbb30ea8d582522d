import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { markProcess, untilMarkedEnds } from './process-mark.ts';

const watchdog = path.join(import.meta.dirname, 'watchdog.mjs');

export interface Account {
  uid: number;
  gid: number;
}

export interface ServerOptions {
  /** What messages call it. */
  name: string;
  command: string;
  args: string[];
  /** Where stdout and stderr go; emptied at start unless `appendLog`. */
  logFile: string;
  appendLog?: boolean;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  account?: Account | undefined;
  stopSignal?: NodeJS.Signals;
  /** How long it may take to end before SIGKILL. */
  graceMs?: number;
  /** Removed, with its parent when that is then empty, if our own process ends without stopping the server. */
  temporaryDirectory?: string | undefined;
  /** Where the process is written down: the next start waits for one that outlived its parent for a moment. */
  markFile?: string;
}

/** What the watchdog is told in its argument. */
export interface WatchdogOrder {
  command: string;
  args: string[];
  stopSignal: NodeJS.Signals;
  graceMs: number;
  cwd?: string;
  account?: Account;
  temporaryDirectory?: string;
}

export interface ServerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type WatchdogReport = { pid: number } | { failed: string } | { exit: ServerExit } | { done: string };

type Command = 'stop' | 'kill' | 'pause' | 'resume';

/** A running server that ends when this process does, in whatever way. */
export class Server {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<ServerExit>;
  #exit: ServerExit | undefined;
  #asked = false;
  readonly #watchdog: ChildProcess;
  readonly #acknowledged: Map<string, () => void>;

  /** Made by {@link startServer}. */
  constructor(options: ServerOptions, pid: number, watchdogProcess: ChildProcess, events: WatchdogEvents) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.pid = pid;
    this.#watchdog = watchdogProcess;
    this.#acknowledged = events.acknowledged;
    this.exited = events.exit.then((exit) => (this.#exit = exit));
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** Whether it ended although nobody here asked it to. */
  get endedByItself(): boolean {
    return !this.running && !this.#asked;
  }

  /** Asks it to end, and after the grace time makes it. */
  stop(): Promise<void> {
    return this.#end('stop');
  }

  /** SIGKILL to the server and everything it started. */
  kill(): Promise<void> {
    return this.#end('kill');
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void> {
    return this.#command('pause');
  }

  resume(): Promise<void> {
    return this.#command('resume');
  }

  /** The end of its log. */
  lastLines(maxChars = 2000): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').slice(-maxChars).trimEnd() : '';
  }

  async #end(command: 'stop' | 'kill'): Promise<void> {
    if (this.running) this.#asked = true;
    await this.#command(command);
    if (!this.running) return;
    this.#watchdog.ref();
    await this.exited;
  }

  async #command(command: Command): Promise<void> {
    if (!this.running) return;
    const done = new Promise<void>((resolve) => this.#acknowledged.set(command, resolve));
    this.#watchdog.ref();
    (this.#watchdog.stdin as Writable).write(`${command}\n`);
    await Promise.race([done, this.exited]);
    this.#watchdog.unref();
  }
}

interface WatchdogEvents {
  started: Promise<number>;
  exit: Promise<ServerExit>;
  acknowledged: Map<string, () => void>;
}

const running = new Set<Server>();
let closed = false;

/** Ends every server of this process that still runs, and starts no more. */
export async function endServers(how: 'stop' | 'kill'): Promise<void> {
  closed = true;
  await Promise.all([...running].map((server) => server[how]()));
}

/** Starts a program under a watchdog. @throws Error when the program cannot be executed */
export async function startServer(options: ServerOptions): Promise<Server> {
  if (options.markFile !== undefined) await untilMarkedEnds(options.markFile, (options.graceMs ?? 10_000) + 5000);
  mkdirSync(path.dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, options.appendLog === true ? 'a' : 'w');
  const order: WatchdogOrder = {
    command: options.command,
    args: options.args,
    stopSignal: options.stopSignal ?? 'SIGTERM',
    graceMs: options.graceMs ?? 10_000,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.account && { account: options.account }),
    ...(options.temporaryDirectory !== undefined && { temporaryDirectory: options.temporaryDirectory }),
  };
  if (closed) throw new Error(`${options.name} was not started: everything is being stopped`);
  // A group of its own, so that Ctrl-C reaches us alone and the order of stopping is ours.
  const child = spawn(process.execPath, [watchdog, JSON.stringify(order)], {
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
    env: options.env ?? process.env,
  });
  closeSync(log);
  const events = listen(child, options.name);
  const pid = await events.started;
  if (options.markFile !== undefined) markProcess(options.markFile, pid);
  // A server that somebody forgot does not keep us alive; while we wait for one we hold on to it.
  child.unref();
  for (const stream of child.stdio) (stream as (Readable & { unref?: () => void }) | null | undefined)?.unref?.();
  const server = new Server(options, pid, child, events);
  running.add(server);
  void server.exited.then(() => running.delete(server));
  // Asked to stop while this one started.
  if (closed) await server.stop();
  return server;
}

function listen(child: ChildProcess, name: string): WatchdogEvents {
  const started = deferred<number>();
  const exit = deferred<ServerExit>();
  const acknowledged = new Map<string, () => void>();
  let pid: number | undefined;

  // A watchdog that has ended takes no more commands.
  child.stdin?.on('error', () => undefined);
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const report = JSON.parse(line) as WatchdogReport;
    if ('pid' in report) started.resolve((pid = report.pid));
    else if ('failed' in report) started.reject(new Error(`${name} could not be started: ${report.failed}`));
    else if ('exit' in report) exit.resolve(report.exit);
    else acknowledged.get(report.done)?.();
  });
  child.once('error', (error) => started.reject(error));
  child.once('close', () => {
    started.reject(new Error(`the watchdog of ${name} ended`));
    if (pid !== undefined) killGroup(pid);
    exit.resolve({ code: null, signal: 'SIGKILL' });
  });
  return { started: started.promise, exit: exit.promise, acknowledged };
}

function deferred<T>() {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void };
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle! };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The usual case: the watchdog ended after its server.
  }
}

/** Asks `check` until it says yes. @throws Error with the end of the log when the server ends or time runs out */
export async function untilReady(server: Server, check: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (server.running && Date.now() < deadline) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const reason = server.running ? `is not ready after ${timeoutMs / 1000} s` : 'ended while it started';
  throw new Error(`${server.name} ${reason}:\n${server.lastLines()}`);
}
