import { freePorts } from '@tidegate/infra';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// A start builds, seeds and shares two cores with the other specs.
jest.setTimeout(120_000);

const root = path.resolve(__dirname, '..');
const portVariables = [
  'DEMO_ISSUER_PORT',
  'DEMO_CUSTOMERS_PORT',
  'DEMO_ORDERS_PORT',
  'DEMO_ACCOUNTS_PORT',
  'DEMO_OPS_PORT',
  'MOBILE_PORT',
  'MOBILE_OPS_PORT',
  'WEB_PORT',
  'WEB_OPS_PORT',
  'PARTNER_PORT',
  'PARTNER_OPS_PORT',
  'IOT_TCP_PORT',
  'IOT_OPS_PORT',
] as const;

class Start {
  output = '';
  readonly process: ChildProcess;

  constructor(command: string, env: NodeJS.ProcessEnv) {
    this.process = spawn(process.execPath, [path.join(root, 'tools', command)], {
      cwd: root,
      env: { ...process.env, ...env },
    });
    this.process.stdout?.on('data', (chunk) => (this.output += String(chunk)));
    this.process.stderr?.on('data', (chunk) => (this.output += String(chunk)));
  }

  async says(text: string): Promise<void> {
    for (; !this.output.includes(text); await sleep(50)) {
      if (this.process.exitCode !== null) throw new Error(`it ended without "${text}":\n${this.output}`);
    }
  }

  async code(): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}

describe('npm start', () => {
  let localDirectory: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    localDirectory = mkdtempSync(path.join(os.tmpdir(), 'tidegate-start-'));
    const ports = await freePorts(portVariables.length);
    const given = Object.fromEntries(portVariables.map((name, index) => [name, String(ports[index])]));
    env = {
      // Other specs run from the bundles at the same time: nothing may build them anew.
      START_BUILT: '1',
      ...given,
      LOCAL_DIR: localDirectory,
      DEMO_REPLAY_SPEED: '0',
      KAFKA_BROKERS: '',
      REDIS_URL: '',
      DATABASE_URL: '',
    };
  });

  afterAll(async () => {
    await untilAllEnded();
    rmSync(localDirectory, { recursive: true, force: true });
  });

  const servers = () =>
    readdirSync(localDirectory, { recursive: true, encoding: 'utf8' })
      .flatMap((file) => (path.dirname(file) === 'run' ? [path.basename(file)] : []))
      .filter((name) => name !== 'start')
      .map((name) => ({
        name,
        pid: (JSON.parse(readFileSync(path.join(localDirectory, 'run', name), 'utf8')) as { pid: number }).pid,
      }));

  const untilAllEnded = async () => {
    while (servers().some(({ pid }) => isAlive(pid))) await sleep(50);
  };

  it('names the variable of a port that is taken', async () => {
    const server = createServer().listen(Number(env['MOBILE_PORT']), '127.0.0.1');
    await once(server, 'listening');
    const start = new Start('start.ts', env);
    expect(await start.code()).toBe(1);
    expect(start.output).toContain(`MOBILE_PORT: port ${env['MOBILE_PORT']} is taken`);
    server.close();
  });

  it('brings everything up, refuses a second one and a reset, and leaves no process', async () => {
    const start = new Start('start.ts', env);
    await start.says('Tidegate is up');
    for (const variable of portVariables) expect(start.output).toContain(`://127.0.0.1:${env[variable]}`);
    expect(await run('token.ts', ['customer:13'])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(
      servers()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['demo', 'iot', 'kafka', 'mobile', 'partner', 'postgres', 'redis', 'web']);

    const [second, reset] = [new Start('start.ts', env), new Start('reset.ts', env)];
    expect([await second.code(), await reset.code()]).toEqual([1, 1]);
    expect(second.output).toContain('runs already');
    expect(reset.output).toContain('end it first');

    start.process.kill('SIGTERM');
    expect(await start.code()).toBe(0);
    expect(servers().filter(({ pid }) => isAlive(pid))).toEqual([]);
  });

  it('keeps its state and its ports, and stops when an app dies', async () => {
    const kept = readFileSync(path.join(localDirectory, 'infra.json'), 'utf8');
    const start = new Start('start.ts', env);
    await start.says('Tidegate is up');
    expect(readFileSync(path.join(localDirectory, 'infra.json'), 'utf8')).toBe(kept);
    expect(readFileSync(path.join(localDirectory, 'logs/demo.log'), 'utf8')).not.toContain('seeded the shop');

    process.kill(servers().find(({ name }) => name === 'mobile')?.pid ?? 0, 'SIGKILL');
    expect(await start.code()).toBe(1);
    expect(start.output).toContain('mobile ended with SIGKILL');
    expect(servers().filter(({ pid }) => isAlive(pid))).toEqual([]);
  });

  it('leaves no process when it is killed', async () => {
    const start = new Start('start.ts', env);
    await start.says('starting the apps');
    await sleep(500);
    start.process.kill('SIGKILL');
    await untilAllEnded();
  });

  it('removes the state on reset', async () => {
    const reset = new Start('reset.ts', env);
    expect(await reset.code()).toBe(0);
    expect(readdirSync(localDirectory)).toEqual([]);
  });

  const run = async (command: string, args: string[]) => {
    const child = spawn(process.execPath, [path.join(root, 'tools', command), ...args], {
      env: { ...process.env, ...env },
    });
    let printed = '';
    child.stdout.on('data', (chunk) => (printed += String(chunk)));
    await once(child, 'close');
    return printed;
  };
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
