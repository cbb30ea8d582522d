import { WebSocketDoor } from '@tidegate/doors';
import { createHttpApp, listRoutes, type HttpApp, type RouteEntry } from '@tidegate/http';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import request from 'supertest';
import { AppModule } from './app.module';
import { Backends, json } from './backends-fixture';
import { readConfig } from './config';

const timeoutMs = 400;
/** The answer is due 200 ms after the deadline; the rest is for a machine that is busy with other tests. */
const withinMs = timeoutMs + 700;
const customer = {
  customerId: '13',
  tenantId: 'north',
  name: 'Ada',
  email: 'a@x.test',
  phone: '555-0142',
  address: 'Here 1',
};
const account = {
  accountId: 'A13',
  customerId: '13',
  tenantId: 'north',
  segment: 'retail',
  currency: 'USD',
  balance: 5,
  updatedAt: '2026-01-01T00:00:00Z',
};
const order = (orderId: string, tenantId = 'north'): object => ({
  ...{ orderId, customerId: '13', tenantId, status: 'placed', total: 1.5, currency: 'USD', storeId: '1' },
  ...{ placedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', lines: [], internalNotes: 'call back' },
});

const customerPath = '/customers/13';
const ordersPath = '/orders';
const accountPath = '/accounts/by-customer/13';
const backends = new Backends({
  [customerPath]: json(customer),
  [ordersPath]: json({ items: [order('o2'), order('o1')], next: null }),
  [accountPath]: json(account),
});
const catalog = mkdtempSync(path.join(tmpdir(), 'tidegate-web-'));
let app: HttpApp;
let support: string;

interface Answer {
  status: number;
  body: Record<string, unknown> & { parts: Record<string, object> };
  text: string;
  headers: Record<string, string>;
}

const get = async (url: string, token = support): Promise<Answer> =>
  request(app.getHttpServer()).get(url).set('authorization', `Bearer ${token}`);

beforeAll(async () => {
  await backends.start();
  const { url } = backends;
  cpSync(path.resolve(__dirname, '../../../catalog'), catalog, { recursive: true });
  const policies = path.join(catalog, 'policies.yaml');
  const masked = `
  - id: trainee
    roles: [trainee]
    resources: [customers]
    columns: { deny: [address], mask: { email: redact, phone: { keepLast: 2 } } }
  - id: counter
    roles: [counter]
    resources: [customers, orders, accounts]
    columns: { mask: { customerId: { hash: person } } }
`;
  writeFileSync(policies, readFileSync(policies, 'utf8') + masked);
  const config = readConfig({
    ...{ WEB_CLIENT_SECRET: 'x', CATALOG_DIR: catalog, ISSUER_URL: url, DASHBOARD_TIMEOUT_MS: String(timeoutMs) },
    ...{ CUSTOMERS_URL: url, ORDERS_URL: url, ACCOUNTS_URL: url },
    ...{ KAFKA_BROKERS: '127.0.0.1:1', AUDIT_FLUSH_MS: '0', REDIS_URL: 'redis://127.0.0.1:1' },
    WEB_CATALOG_DIR: path.resolve(__dirname, '../catalog'),
    CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
  });
  const logger = createLogger({ service: 'web', level: 'silent' });
  app = await createHttpApp(AppModule.forRoot(config), { logger, registry: createRegistry() });
  await app.listen(0, '127.0.0.1');
  support = await backends.token({ roles: ['support'] });
});

beforeEach(() => backends.reset());

afterAll(async () => {
  await app.close();
  await backends.stop();
  rmSync(catalog, { recursive: true, force: true });
});

describe('GET /dashboard/:customerId', () => {
  const fresh = { status: 'fresh', ageMs: 0 };

  it('is the customer, the recent orders and the account, each part fresh', async () => {
    const { status, body, headers } = await get('/dashboard/13');
    expect(status).toBe(200);
    expect(body).toEqual({
      customer,
      recentOrders: [order('o2'), order('o1')],
      account,
      parts: { customer: fresh, recentOrders: fresh, account: fresh },
    });
    expect(headers['cache-control']).toBe('private, no-cache');
    expect(backends.asked).toContain('/orders?customerId=13&limit=10');
  });

  it('asks the three services side by side', async () => {
    // Nobody answers before all have been asked.
    const waiting: (() => void)[] = [];
    const together =
      (answer: RequestListener): RequestListener =>
      (req, res) => {
        if (waiting.push(() => answer(req, res)) === 3) for (const go of waiting) go();
      };
    backends.on(customerPath, together(json(customer)));
    backends.on(ordersPath, together(json({ items: [], next: null })));
    backends.on(accountPath, together(json(account)));
    expect((await get('/dashboard/13')).body.parts).toEqual({ customer: fresh, recentOrders: fresh, account: fresh });
  });

  it('keeps every digit of what the services answered', async () => {
    const row = JSON.stringify(account).replace('"balance":5', '"balance":9007199254740993.10');
    backends.on(accountPath, (_req, res) => void res.end(row));
    expect((await get('/dashboard/13')).text).toContain('"balance":9007199254740993.10');
  });

  const faults: [fault: string, answer: RequestListener, code: string][] = [
    ['a page of HTML', (_q, res) => html(res, 200), 'upstream_failed'],
    ['401 with HTML', (_q, res) => html(res, 401), 'upstream_failed'],
    ['500 with a stack', (_q, res) => html(res, 500), 'upstream_failed'],
    ['503', (_q, res) => html(res, 503), 'unavailable'],
    ['JSON that is cut off', (_q, res) => void res.end('{"data":'), 'upstream_failed'],
    ['gzip announced over plain bytes', (_q, res) => gzipHeader(res), 'upstream_failed'],
    ['an array in place of an object', json([customer, account]), 'upstream_failed'],
    ['a number in place of an object', json(7), 'upstream_failed'],
    ['nothing', (_q, res) => void res.end(), 'upstream_failed'],
    ['a closed connection', (req) => void req.socket.destroy(), 'unavailable'],
    ['no answer', () => undefined, 'timeout'],
    ['headers, one byte, then silence', (_q, res) => void res.writeHead(200).write('{'), 'timeout'],
    ['less than its Content-Length', (_q, res) => stall(res), 'timeout'],
    ['a byte now and then', (_q, res) => drip(res), 'timeout'],
  ];
  const paths: [part: string, path: string][] = [
    ['customer', customerPath],
    ['recentOrders', ordersPath],
    ['account', accountPath],
  ];

  describe.each(paths)('when the service of %s', (part, pathname) => {
    it.each(faults)('answers with %s, names that part alone as failed, in time', async (_fault, answer, code) => {
      backends.on(pathname, answer);
      const startedMs = performance.now();
      const { status, body, text } = await get('/dashboard/13');
      expect(performance.now() - startedMs).toBeLessThan(withinMs);
      expect(status).toBe(200);
      expect(body[part]).toBeNull();
      const others = Object.fromEntries(paths.flatMap(([name]) => (name === part ? [] : [[name, fresh]])));
      expect(body.parts).toEqual({ ...others, [part]: { status: 'failed', ageMs: 0, code } });
      for (const name of Object.keys(others)) expect(body[name]).not.toBeNull();
      expect(text).not.toMatch(/stack|<|127\.0\.0\.1|http|undici|ECONN/i);
    });
  });

  it('leaves no connection to a service that stalls', async () => {
    let closed: Promise<unknown> | undefined;
    backends.on(accountPath, (req, res) => {
      closed = new Promise((resolve) => req.socket.on('close', resolve));
      res.writeHead(200).write('{');
    });
    await get('/dashboard/13');
    await closed;
  });

  it('asks a service that failed again the next time', async () => {
    backends.on(accountPath, json({}, 500));
    expect((await get('/dashboard/13')).body['account']).toBeNull();
    backends.reset();
    expect((await get('/dashboard/13')).body['account']).toEqual(account);
  });

  it('fails when no part can be had, and names no service', async () => {
    for (const [, pathname] of paths) backends.on(pathname, (_req, res) => html(res, 500));
    const { status, body, text, headers } = await get('/dashboard/13');
    expect(status).toBe(502);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ code: 'upstream_failed', status: 502 });
    expect(text).not.toMatch(/stack|<|127\.0\.0\.1/);
  });

  it('fails in time when no service answers', async () => {
    for (const [, pathname] of paths) backends.on(pathname, () => undefined);
    const startedMs = performance.now();
    expect((await get('/dashboard/13')).status).toBe(502);
    expect(performance.now() - startedMs).toBeLessThan(withinMs);
  });
});

describe('what the caller may not see', () => {
  const withoutPlace = ({ body }: Answer): object => ({ ...body, instance: undefined, requestId: undefined });

  it('is answered like what does not exist: a customer of another tenant', async () => {
    const south = await backends.token({ roles: ['support'], tenant: 'south' });
    const foreign = await get('/dashboard/13', south);
    expect(foreign.status).toBe(404);
    backends.on(ordersPath, json({ items: [], next: null }));
    const unknown = await get('/dashboard/99', south);
    expect(withoutPlace(foreign)).toEqual(withoutPlace(unknown));
  });

  it('is answered so while a service fails, too', async () => {
    const south = await backends.token({ roles: ['support'], tenant: 'south' });
    backends.on(accountPath, json({}, 500));
    backends.on('/accounts/by-customer/99', json({}, 500));
    const foreign = await get('/dashboard/13', south);
    backends.on(ordersPath, json({ items: [], next: null }));
    expect(foreign.status).toBe(404);
    expect(withoutPlace(foreign)).toEqual(withoutPlace(await get('/dashboard/99', south)));
  });

  it('is left out row by row, and its part says not_found', async () => {
    backends.on(customerPath, json({ ...customer, tenantId: 'south' }));
    backends.on(ordersPath, json({ items: [order('o2'), order('o1', 'south')], next: null }));
    const { status, body } = await get('/dashboard/13');
    expect(status).toBe(200);
    expect(body).toMatchObject({ customer: null, recentOrders: [{ orderId: 'o2' }] });
    expect(body.parts['customer']).toEqual({ status: 'failed', ageMs: 0, code: 'not_found' });
  });

  it('is masked or absent column by column', async () => {
    const trainee = await backends.token({ roles: ['trainee'] });
    const { body } = await get('/dashboard/13', trainee);
    const { address: _address, ...rest } = customer;
    expect(body['customer']).toEqual({
      ...rest,
      email: '***',
      phone: expect.stringMatching(/^[^5]*42$/) as string,
    });
  });

  it('is not asked for', async () => {
    const trainee = await backends.token({ roles: ['trainee'] });
    const { body } = await get('/dashboard/13', trainee);
    expect(body).toMatchObject({ recentOrders: null, account: null });
    expect(backends.asked.filter((url) => /orders|accounts/.test(url))).toEqual([]);
    const operator = await backends.token({ roles: ['operator'] });
    backends.reset();
    expect((await get('/dashboard/13', operator)).status).toBe(404);
    expect(backends.asked.filter((url) => /customers|orders|accounts/.test(url))).toEqual([]);
  });

  it('is not told by who can be looked up: those whose ids are hidden are answered as nobody, unasked', async () => {
    const counter = await backends.token({ roles: ['counter'] });
    const hit = await get('/dashboard/13', counter);
    const miss = await get('/dashboard/99', counter);
    expect(hit.status).toBe(404);
    expect(withoutPlace(hit)).toEqual(withoutPlace(miss));
    expect(backends.asked.filter((url) => /customers|orders|accounts/.test(url))).toEqual([]);
  });

  it('is all but their own to customers', async () => {
    const own = await backends.token({ roles: ['customer'] }, '13');
    const other = await backends.token({ roles: ['customer'] }, '15');
    const { body } = await get('/dashboard/13', own);
    expect(body['customer']).toEqual(customer);
    expect(JSON.stringify(body)).not.toContain('call back');
    expect((await get('/dashboard/13', other)).status).toBe(404);
  });
});

describe('bad input', () => {
  it.each([
    ['.', '%2e'],
    ['..', '%2e%2e'],
    ['a path', '..%2f..%2faccounts'],
    ['a path with backslashes', '..%5caccounts'],
    ['a query', '13%3fx=1'],
    ['a space', '1%203'],
    ['NUL', '13%00'],
    ['another script', '%D9%A1%D9%A3'],
    ['65 characters', 'x'.repeat(65)],
  ])('refuses %s as the id of a customer, and asks nobody', async (_title, id) => {
    const { status, body } = await get(`/dashboard/${id}`);
    expect([400, 404]).toContain(status);
    expect(body['code']).toMatch(/^(invalid_argument|not_found|malformed)$/);
    expect(backends.asked.filter((url) => /customers|orders|accounts/.test(url))).toEqual([]);
  });

  it('accepts 64 characters', async () => {
    const id = 'x'.repeat(64);
    backends.on(`/customers/${id}`, json({ ...customer, customerId: id }));
    expect((await get(`/dashboard/${id}`)).status).toBe(200);
  });

  it.each([
    ['/dashboard', 404],
    ['/dashboard/', 404],
    ['/dashboard/13/', 404],
    ['/dashboard/13/orders', 404],
    ['/Dashboard/13', 404],
    ['/streams/nothing/records', 404],
    ['/streams/orders/records?limit=0', 400],
    ['/streams/orders/records?limit=1001', 400],
    ['/streams/orders/records?waitMs=30001', 400],
    ['/streams/orders/records?after=x', 400],
    ['/streams/orders/records?colour=red', 400],
    ['/streams/orders', 406],
  ])('answers GET %s with %i', async (url, expected) => {
    const { status, headers } = await get(url);
    expect(status).toBe(expected);
    expect(headers['content-type']).toContain('application/problem+json');
  });

  it('answers another method with 405', async () => {
    const response = await request(app.getHttpServer()).post('/dashboard/13').set('authorization', `Bearer ${support}`);
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toContain('GET');
  });

  it.each(['', 'Bearer', 'Bearer x.y.z', 'Basic eDp5'])('needs a token, and takes no %p for one', async (value) => {
    const response = await request(app.getHttpServer()).get('/dashboard/13').set('authorization', value);
    expect(response).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });
});

describe('declared access', () => {
  it('stands at every route and stream door; the anonymous ones are named here', () => {
    const doors = [...listRoutes(app), ...app.get(WebSocketDoor).list()].filter(({ method }) => method !== 'HEAD');
    const named = doors.map(({ method, path, access }) => `${method} ${path} ${accessText(access)}`);
    expect(named.sort()).toEqual([
      'GET /asyncapi.json public',
      'GET /dashboard/:customerId customers',
      'GET /openapi.json public',
      'GET /streams any caller',
      'GET /streams/:name any caller',
      'GET /streams/:name/records any caller',
      'POST /policy/explain platform',
      'POST /stream-tickets any caller',
      'POST /streams/:name/acks any caller',
      'WEBSOCKET /streams any caller',
      'WEBSOCKET /streams/:name any caller',
    ]);
  });
});

function accessText(access: RouteEntry['access']): string {
  if (access === undefined) return 'UNDECLARED';
  if (access.kind === 'public') return 'public';
  return access.roles?.join(',') ?? access.resource ?? 'any caller';
}

function html(res: ServerResponse, status: number): void {
  res.writeHead(status, { 'content-type': 'text/html' }).end('<html>stack at http://127.0.0.1/internal</html>');
}

function gzipHeader(res: ServerResponse): void {
  res.writeHead(200, { 'content-encoding': 'gzip' }).end(JSON.stringify(customer));
}

function stall(res: ServerResponse): void {
  res.writeHead(200, { 'content-length': '9999' }).write('{"customerId":"13"');
}

function drip(res: ServerResponse): void {
  res.writeHead(200);
  const timer = setInterval(() => res.write(' '), 20);
  res.on('close', () => clearInterval(timer));
}
