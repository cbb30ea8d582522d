import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { markedProcess } from './process-mark';
import { startServer, untilReady, type Server, type ServerOptions } from './supervisor';

describe('startServer()', () => {
  let directory: string;
  let servers: Server[];

  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'tidegate-supervisor-'));
    servers = [];
  });

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(directory, { recursive: true });
  });

  const shell = async (script: string, options: Partial<ServerOptions> = {}) => {
    const logFile = path.join(directory, 'server.log');
    const server = await startServer({ name: 'shell', command: 'sh', args: ['-c', script], logFile, ...options });
    servers.push(server);
    return server;
  };

  const untilSays = async (server: Server, text: string) =>
    untilReady(server, () => Promise.resolve(server.lastLines().includes(text)), 5000);

  it('runs the program itself under the process id that it gives', async () => {
    const server = await shell('echo $$; exec sleep 30');
    await untilSays(server, `${server.pid}\n`.trim());
    expect(server.running).toBe(true);
  });

  it('reports how it ended, and that nobody asked', async () => {
    const server = await shell('exit 3');
    await expect(server.exited).resolves.toEqual({ code: 3, signal: null });
    expect(server.endedByItself).toBe(true);
  });

  it('ends it in order with the signal that it wants', async () => {
    const server = await shell('trap "echo flushed; exit 0" INT; echo up; while :; do sleep 0.05; done', {
      stopSignal: 'SIGINT',
    });
    await untilSays(server, 'up');
    await server.stop();
    expect(server.lastLines()).toContain('flushed');
    expect(server.endedByItself).toBe(false);
  });

  it('kills what does not end in its grace time', async () => {
    const server = await shell('trap "" TERM; echo up; while :; do sleep 0.05; done', { graceMs: 100 });
    await untilSays(server, 'up');
    await server.stop();
    await expect(server.exited).resolves.toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('ends one that is paused', async () => {
    const server = await shell('echo up; exec sleep 30');
    await untilSays(server, 'up');
    await server.pause();
    await server.stop();
    expect(server.running).toBe(false);
  });

  it('kills what it started too, also what left its process group', async () => {
    const server = await shell('setsid sleep 30 & echo child $!; wait');
    await untilSays(server, 'child');
    const child = Number(/child (\d+)/.exec(server.lastLines())?.[1]);
    await server.kill();
    while (isAlive(child)) await sleep(10);
  });

  it('pauses and resumes', async () => {
    const server = await shell('while :; do echo tick; sleep 0.02; done');
    await untilSays(server, 'tick');
    await server.pause();
    const paused = readFileSync(server.logFile, 'utf8').length;
    await sleep(150);
    expect(readFileSync(server.logFile, 'utf8')).toHaveLength(paused);
    await server.resume();
    await untilReady(server, () => Promise.resolve(readFileSync(server.logFile, 'utf8').length > paused), 5000);
  });

  it('says what cannot be executed', async () => {
    await expect(shell('', { command: 'no-such-program' })).rejects.toThrow(/^shell could not be started: .*ENOENT/);
  });

  it('gives the end of the log when a server ends before it is ready', async () => {
    const server = await shell('echo the port is gone; exit 1');
    await expect(untilReady(server, () => Promise.resolve(false), 5000)).rejects.toThrow(
      /ended while it started:\nthe port is gone$/,
    );
  });

  it('gives up when a server is not ready in time', async () => {
    const server = await shell('exec sleep 30');
    await expect(untilReady(server, () => Promise.resolve(false), 50)).rejects.toThrow('is not ready after 0.05 s');
  });

  it('waits for the process of an earlier start before it begins', async () => {
    const markFile = path.join(directory, 'run/shell');
    const first = await shell('sleep 0.3', { markFile });
    expect(markedProcess(markFile)).toBe(first.pid);
    await shell('exec sleep 30', { markFile });
    expect(first.running).toBe(false);
  });

  it('leaves the directory to whoever stops it', async () => {
    const temporaryDirectory = mkdtempSync(path.join(directory, 'data-'));
    const server = await shell('exec sleep 30', { temporaryDirectory });
    await server.stop();
    expect(existsSync(temporaryDirectory)).toBe(true);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
