import { Controller, Get, Module, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { Public } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { EventEmitter, once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import 'reflect-metadata';
import { runApp, type ProcessLike } from './run-app';
import type { AppSpec, RunAppOptions } from './running-apps';

const events: string[] = [];
let release: () => void;
let held: Promise<void>;
let stuck: Promise<void>;

@Controller()
@Public()
class SlowController {
  @Get('quick')
  quick() {
    return {};
  }

  @Get('slow')
  async slow() {
    events.push('slow begins');
    await held;
    events.push('slow ends');
    return { done: true };
  }
}

@Module({ controllers: [SlowController] })
class SlowModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  beforeApplicationShutdown() {
    events.push('streams end');
  }

  async onApplicationShutdown() {
    events.push('stores close');
    await stuck;
  }
}

class FakeProcess extends EventEmitter {
  said = '';
  readonly exited = new Promise<number>((resolve) => this.once('exited', resolve));
  readonly stderr = { write: (text: string) => (this.said += text) };
  exit(code: number) {
    this.emit('exited', code);
  }
}

const agent = new Agent({ keepAlive: true });
let host: FakeProcess;
let ports: { app: number; ops: number };

beforeEach(() => {
  host = new FakeProcess();
  events.length = 0;
  held = new Promise((resolve) => (release = resolve));
  stuck = Promise.resolve();
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const spec = (port: number, portVariable = 'SLOW_PORT'): AppSpec => ({
  module: SlowModule,
  host: '127.0.0.1',
  port,
  portVariable,
});

async function start(options: Partial<RunAppOptions> = {}): Promise<void> {
  ports = { app: await freePort(), ops: await freePort() };
  const ops = { host: '127.0.0.1', port: ports.ops, portVariable: 'SLOW_OPS_PORT' };
  const all = {
    service: 'slow',
    logLevel: 'silent' as const,
    ops,
    apps: [spec(ports.app)],
    drainDelayMs: 0,
    ...options,
  };
  await runApp(() => all, host as unknown as ProcessLike);
}

async function get(
  port: number,
  path: string,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: unknown }> {
  const [response] = (await once(httpGet({ port, path, agent, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: JSON.parse(Buffer.concat(chunks).toString()),
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe(runApp.name, () => {
  it('opens the doors and is ready, with the checks of the applications', async () => {
    await start({
      checks: ([app]) => [
        { name: 'app', required: true, check: () => ({ ok: app.getHttpServer().listening }) as { ok: true } },
      ],
    });
    expect(await get(ports.app, '/quick')).toMatchObject({ status: 200 });
    expect(await get(ports.ops, '/readyz')).toMatchObject({ status: 200, body: { checks: { app: { ok: true } } } });
    host.emit('SIGTERM');
    expect(await host.exited).toBe(0);
    await expect(get(ports.app, '/quick')).rejects.toThrow();
    await expect(get(ports.ops, '/livez')).rejects.toThrow();
  });

  it('drops readiness first, then ends streams, requests and stores in that order, and exits with 0', async () => {
    await start({ drainDelayMs: 100 });
    await get(ports.app, '/quick');
    const unused = connect(ports.app, '127.0.0.1');
    await once(unused, 'connect');
    const slow = get(ports.app, '/slow');
    await until(() => events.includes('slow begins'));
    host.emit('SIGTERM');
    expect(await get(ports.ops, '/readyz')).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect((await get(ports.app, '/quick')).headers.connection).toBe('close');
    await until(() => events.includes('streams end'));
    await expect(get(ports.app, '/quick')).rejects.toThrow('ECONNREFUSED');
    expect(await get(ports.ops, '/livez')).toMatchObject({ status: 200 });
    expect(events).not.toContain('stores close');
    release();
    expect(await slow).toMatchObject({ status: 200, body: { done: true }, headers: { connection: 'close' } });
    expect(await host.exited).toBe(0);
    expect(events).toEqual(['slow begins', 'streams end', 'slow ends', 'stores close']);
  });

  it('cuts requests that outlast the grace period, in time for the stores', async () => {
    await start({ gracePeriodMs: 1_500 });
    const slow = get(ports.app, '/slow');
    await until(() => events.includes('slow begins'));
    host.emit('SIGTERM');
    await expect(slow).rejects.toThrow();
    expect(await host.exited).toBe(0);
    expect(events).toContain('stores close');
    release();
  });

  it('exits with 1 when the grace period is over', async () => {
    let free = () => {};
    stuck = new Promise((resolve) => (free = resolve));
    await start({ gracePeriodMs: 50 });
    host.emit('SIGINT');
    expect(await host.exited).toBe(1);
    free();
  });

  it('exits at once when the same signal comes twice, and not when another one follows', async () => {
    await start({ gracePeriodMs: 2_000 });
    const slow = get(ports.app, '/slow').catch(() => undefined);
    await until(() => events.includes('slow begins'));
    let code: number | undefined;
    void host.exited.then((value) => (code = value));
    host.emit('SIGINT');
    host.emit('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(code).toBeUndefined();
    host.emit('SIGTERM');
    await until(() => code !== undefined);
    expect(code).toBe(1);
    release();
    await slow;
  });

  it('runs several applications beside one ops server', async () => {
    const second = await freePort();
    const app = await freePort();
    await start({ apps: () => [spec(app), spec(second)] });
    expect([await get(app, '/quick'), await get(second, '/quick')]).toMatchObject([{ status: 200 }, { status: 200 }]);
    host.emit('SIGTERM');
    expect(await host.exited).toBe(0);
    expect(events.filter((event) => event === 'stores close')).toHaveLength(2);
  });

  it('says in plain words which variable to change when a port is taken, and exits with 1', async () => {
    const taken = await freePort();
    const { createServer } = await import('node:net');
    const other = createServer().listen(taken, '127.0.0.1');
    await once(other, 'listening');
    await start({ apps: [spec(taken)] });
    expect(await host.exited).toBe(1);
    expect(host.said).toBe(`Port ${taken} on 127.0.0.1 is taken; set SLOW_PORT to a free one.\n`);
    other.close();
  });

  it('says what is wrong with the configuration, and exits with 1', async () => {
    const broken = () => {
      throw new AppError('invalid_config', 'SLOW_PORT: expected a port number');
    };
    await runApp(broken, host as unknown as ProcessLike);
    expect(await host.exited).toBe(1);
    expect(host.said).toBe('SLOW_PORT: expected a port number\n');
  });
});
