import { AppError, type ErrorCode } from '@tidegate/errors';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceClient } from './service-client';
import { ServiceToken } from './service-token';

/** The issuer hands out t1, t2, …; what the service answers is the test's. */
class Backend {
  answer: RequestListener = (_req, res) => void res.end('{}');
  answerToken: RequestListener = (_req, res) =>
    void res.end(JSON.stringify({ access_token: `t${this.tokensGiven}`, expires_in: 600 }));
  tokensGiven = 0;
  readonly seen: string[] = [];
  url = '';
  private readonly server: Server = createServer((req, res) => {
    if (req.url === '/.well-known/openid-configuration') {
      res.end(JSON.stringify({ token_endpoint: `${this.url}/token` }));
    } else if (req.url === '/token') {
      this.tokensGiven += 1;
      this.answerToken(req, res);
    } else {
      this.seen.push(`${req.url} ${req.headers.authorization}`);
      this.answer(req, res);
    }
  });

  async start(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }
}

function drip(res: ServerResponse): void {
  res.writeHead(200);
  const timer = setInterval(() => res.write(' '), 20);
  res.on('close', () => clearInterval(timer));
}

describe(ServiceClient.name, () => {
  let backend: Backend;
  let client: ServiceClient;

  beforeEach(async () => {
    backend = new Backend();
    await backend.start();
    const token = new ServiceToken({ issuer: backend.url, clientId: 'a', clientSecret: 'b', timeoutMs: 5_000 });
    client = new ServiceClient({ name: 'orders', url: backend.url, timeoutMs: 300 }, token);
  });

  afterEach(() => backend.stop());

  const failure = async (): Promise<AppError> => {
    const error: unknown = await client.get('/orders').catch((reason: unknown) => reason);
    if (!AppError.is(error)) throw new Error('no AppError');
    return error;
  };

  it('asks with the app’s own token, once for many calls, and with the query given', async () => {
    await Promise.all([client.get('/orders', { limit: 2, after: undefined }), client.get('/orders/7')]);
    expect(backend.tokensGiven).toBe(1);
    expect([...backend.seen].sort()).toEqual(['/orders/7 Bearer t1', '/orders?limit=2 Bearer t1']);
  });

  it('takes a fresh token when the service refuses the one it has', async () => {
    backend.answer = (req, res) => {
      res.statusCode = req.headers.authorization === 'Bearer t2' ? 200 : 401;
      res.end('{"ok":true}');
    };
    expect(await client.get('/orders')).toEqual({ ok: true });
    expect(backend.tokensGiven).toBe(2);
  });

  it.each<[status: number, code: ErrorCode]>([
    [400, 'invalid_argument'],
    [401, 'upstream_failed'],
    [403, 'upstream_failed'],
    [404, 'not_found'],
    [429, 'unavailable'],
    [500, 'upstream_failed'],
    [503, 'unavailable'],
  ])('makes of status %i the code %s, and shows nothing of the body', async (status, code) => {
    backend.answer = (_req, res) => void res.writeHead(status).end('stack trace of the service');
    const error = await failure();
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('stack');
  });

  it('passes Retry-After on', async () => {
    backend.answer = (_req, res) => void res.writeHead(503, { 'retry-after': '7' }).end();
    expect((await failure()).retryAfterMs).toBe(7_000);
  });

  it.each<[title: string, answer: RequestListener, code: ErrorCode]>([
    ['text that is not JSON', (_req, res) => void res.end('<html>'), 'upstream_failed'],
    ['JSON that is cut off', (_req, res) => void res.end('{"items":['), 'upstream_failed'],
    ['an array', (_req, res) => void res.end('[]'), 'upstream_failed'],
    ['bytes that are not UTF-8', (_req, res) => void res.end(Buffer.of(0x7b, 0xff, 0x7d)), 'upstream_failed'],
    [
      'plain bytes under a gzip header',
      (_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end('{"items":[]}'),
      'upstream_failed',
    ],
    [
      'fewer bytes than announced',
      (_req, res) => {
        res.writeHead(200, { 'content-length': '99' }).write('{"items":[]}');
        setTimeout(() => res.destroy(), 20);
      },
      'upstream_failed',
    ],
    ['a redirect', (_req, res) => void res.writeHead(302, { location: '/orders/7' }).end(), 'upstream_failed'],
    ['a body over 4 MiB', (_req, res) => void res.end(`{"a":"${'x'.repeat(4 * 1024 * 1024)}"}`), 'upstream_failed'],
    ['nothing in time', () => undefined, 'timeout'],
    ['headers and then nothing', (_req, res) => void res.writeHead(200).write('{'), 'timeout'],
    ['a body that drips', (_req, res) => drip(res), 'timeout'],
    ['a closed connection', (req) => void req.socket.destroy(), 'unavailable'],
  ])('makes of %s the right code', async (_title, answer, code) => {
    backend.answer = answer;
    expect((await failure()).code).toBe(code);
  });

  it('accepts a body of just 4 MiB', async () => {
    backend.answer = (_req, res) => void res.end(`{"a":"${'x'.repeat(4 * 1024 * 1024 - 8)}"}`);
    expect(await client.get('/orders')).toHaveProperty('a');
  });

  it('counts the time that its own token takes', async () => {
    backend.answerToken = () => undefined;
    const startedMs = performance.now();
    expect((await failure()).code).toBe('timeout');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  it.each<[title: string, answer: RequestListener]>([
    ['stalls in the body', (_req, res) => void res.writeHead(200).write('{')],
    ['fails and goes on sending', (_req, res) => void res.writeHead(500).write('<html>')],
    ['sends more than it may', (_req, res) => void res.writeHead(200).write('x'.repeat(8 * 1024 * 1024))],
  ])('leaves no connection open to a service that %s', async (_title, answer) => {
    let closed: Promise<unknown> | undefined;
    backend.answer = (req, res) => {
      // Not `once()`: a reset is an end too.
      closed = new Promise((resolve) => req.socket.on('close', resolve));
      answer(req, res);
    };
    await failure();
    await closed;
  });
});
