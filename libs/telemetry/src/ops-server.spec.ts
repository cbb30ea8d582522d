import { AppError } from '@tidegate/errors';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health, HealthCheck } from './health';
import { createLogger } from './logger';
import { OpsServer, type OpsServerOptions } from './ops-server';
import { createRegistry } from './registry';

const logger = createLogger({ service: 'test', level: 'silent' });
const servers: { close(): unknown }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(checks: HealthCheck[], options: Partial<OpsServerOptions> = {}) {
  const server = new OpsServer({ host: '127.0.0.1', port: 0, registry: createRegistry(), checks, logger, ...options });
  servers.push(server);
  const port = await server.start();
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, response, body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text };
  };
  return { server, port, get };
}

function check(name: string, health: () => Promise<Health> | Health, required = true): HealthCheck {
  return { name, required, check: health };
}

describe(OpsServer.name, () => {
  it('is ready when all required checks pass, and shows the failing others', async () => {
    const { get } = await start([
      check('kafka', () => ({ ok: true })),
      check('redis', () => ({ ok: false, reason: 'connection refused' }), false),
    ]);
    expect(await get('/readyz')).toMatchObject({
      status: 200,
      body: {
        status: 'ready',
        checks: {
          kafka: { ok: true, required: true },
          redis: { ok: false, required: false, reason: 'connection refused' },
        },
      },
    });
  });

  it('is not ready while a required check fails, and ready again after', async () => {
    let health: Health = { ok: false, reason: 'no metadata for 12 s' };
    const { get } = await start([check('kafka', () => health)]);
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not ready', checks: { kafka: { ok: false, required: true, reason: 'no metadata for 12 s' } } },
    });
    health = { ok: true };
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });

  it('counts a hanging check as failing, answers the others, and does not pile up', async () => {
    let asked = 0;
    const hang = check('kafka', () => {
      asked += 1;
      return new Promise<Health>(() => undefined);
    });
    const { get } = await start([hang, check('catalog', () => ({ ok: true }))], { checkTimeoutMs: 30 });
    const answers = await Promise.all([get('/readyz'), get('/readyz'), get('/readyz')]);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 503,
        body: { checks: { kafka: { ok: false, reason: 'no answer within 30 ms' }, catalog: { ok: true } } },
      });
    }
    expect(asked).toBe(1);
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('says of a check that throws only what is safe to say', async () => {
    const { get } = await start([
      check('redis', () => Promise.reject(new Error('redis://user:hunter2@a'))),
      check('catalog', () => {
        throw new AppError('invalid_catalog', 'streams.yaml:3 is not valid');
      }),
    ]);
    expect((await get('/readyz')).body).toMatchObject({
      checks: { redis: { reason: 'the check failed' }, catalog: { reason: 'streams.yaml:3 is not valid' } },
    });
  });

  it('is live whatever the checks say', async () => {
    const { get } = await start([check('kafka', () => ({ ok: false, reason: 'down' }))]);
    expect(await get('/livez')).toMatchObject({ status: 200, body: { status: 'live' } });
  });

  it('is not ready but live while draining', async () => {
    const { get, server } = await start([check('kafka', () => ({ ok: true }))]);
    server.drain();
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('takes a check while running', async () => {
    const { get, server } = await start([]);
    server.addCheck(check('late', () => ({ ok: false, reason: 'not yet' })));
    expect(await get('/readyz')).toMatchObject({ status: 503 });
  });

  it('gives metrics in the text format', async () => {
    const { get } = await start([]);
    const { response, body } = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(body).toContain('process_cpu_seconds_total');
  });

  it('answers 404 for other paths and 405 for other methods', async () => {
    const { get } = await start([]);
    expect(await get('/')).toMatchObject({ status: 404 });
    expect(await get('/readyz/x')).toMatchObject({ status: 404 });
    const post = await get('/readyz', { method: 'POST' });
    expect(post.status).toBe(405);
    expect(post.response.headers.get('allow')).toBe('GET, HEAD');
    expect(await get('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('names the variable of a port that is taken', async () => {
    const other: Server = createServer();
    servers.push(other);
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start([], { port, portVariable: 'MOBILE_OPS_PORT' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: `Port ${port} on 127.0.0.1 is taken; set MOBILE_OPS_PORT to a free one.`,
    });
  });
});
