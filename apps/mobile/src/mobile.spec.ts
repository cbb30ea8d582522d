import { WebSocketDoor } from '@tidegate/doors';
import { createHttpApp, listRoutes, type HttpApp, type RouteEntry } from '@tidegate/http';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import request from 'supertest';
import { AppModule } from './app.module';
import { readConfig } from './config';

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

const json =
  (body: string, status = 200): Answer =>
  (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };

const customer = { customerId: '13', tenantId: 'north', name: 'Ada', email: 'a@x.test', phone: '1', address: 'Here 1' };
const account = {
  accountId: 'A13',
  customerId: '13',
  tenantId: 'north',
  segment: 'retail',
  currency: 'USD',
  balance: 5,
};
const order = (orderId: string, customerId: string): object => ({
  ...{ orderId, customerId, tenantId: 'north', status: 'placed', total: 1.5, currency: 'USD', storeId: '1' },
  ...{ placedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', lines: [], internalNotes: 'secret' },
});

/** The issuer and the three services, on one loopback server whose answers a test can swap. */
class FakeBackends {
  private readonly server: Server = createServer((req, res) => this.answer(req, res));
  private answers = new Map<string, Answer>();
  private privateKey!: CryptoKey;
  url = '';

  async start(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    this.privateKey = privateKey;
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    const metadata = { issuer: this.url, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/jwks` };
    this.fixed = {
      '/.well-known/openid-configuration': json(JSON.stringify(metadata)),
      '/jwks': json(JSON.stringify({ keys: [jwk] })),
      '/token': json(JSON.stringify({ access_token: 'service-token', expires_in: 600, token_type: 'Bearer' })),
    };
    this.reset();
  }

  private fixed: Record<string, Answer> = {};

  reset(): void {
    this.answers = new Map<string, Answer>(
      Object.entries({
        ...this.fixed,
        '/customers/13': json(JSON.stringify(customer)),
        '/accounts/by-customer/13': json(JSON.stringify(account)),
        '/orders': json(JSON.stringify({ items: [order('o2', '13'), order('o1', '14')], next: 'n1' })),
        '/orders/o2': json(JSON.stringify(order('o2', '13'))),
        '/orders/o1': json(JSON.stringify(order('o1', '14'))),
      }),
    );
  }

  on(pathname: string, answer: Answer): void {
    this.answers.set(pathname, answer);
  }

  token(claims: object, subject = '13'): Promise<string> {
    return new SignJWT({ tenant: 'north', roles: ['customer'], ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(this.url)
      .setAudience('tidegate')
      .setSubject(subject)
      .setExpirationTime('5m')
      .sign(this.privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  private answer(req: IncomingMessage, res: ServerResponse): void {
    const { pathname } = new URL(req.url ?? '/', this.url);
    (this.answers.get(pathname) ?? json('{}', 404))(req, res);
  }
}

const backends = new FakeBackends();
let app: HttpApp;
let bearer: string;

interface Answered {
  status: number;
  headers: Record<string, string>;
  body: object;
  text: string;
}

const get = (url: string): request.Test =>
  request(app.getHttpServer()).get(url).set('authorization', `Bearer ${bearer}`);

const asOwner = async (url: string): Promise<Answered> => get(url);

beforeAll(async () => {
  await backends.start();
  const { url } = backends;
  const config = readConfig({
    ...{ MOBILE_CLIENT_SECRET: 'x', CATALOG_DIR: path.resolve(__dirname, '../../../catalog'), ISSUER_URL: url },
    MOBILE_CATALOG_DIR: path.resolve(__dirname, '../catalog'),
    ...{ CUSTOMERS_URL: url, ORDERS_URL: url, ACCOUNTS_URL: url, SERVICES_TIMEOUT_MS: '300' },
    ...{ KAFKA_BROKERS: '127.0.0.1:1', AUDIT_FLUSH_MS: '0', REDIS_URL: 'redis://127.0.0.1:1' },
    CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
  });
  const logger = createLogger({ service: 'mobile', level: 'silent' });
  app = await createHttpApp(AppModule.forRoot(config), { logger, registry: createRegistry() });
  await app.listen(0, '127.0.0.1');
  bearer = await backends.token({});
});

beforeEach(() => backends.reset());

afterAll(async () => {
  await app.close();
  await backends.stop();
});

describe('GET /home', () => {
  it('is the first screen in one answer, without what the caller may not see', async () => {
    const { status, body } = (await get('/home')) as { status: number; body: { orders: { items: object[] } } };
    expect(status).toBe(200);
    expect(body).toMatchObject({ customer: { name: 'Ada' }, account: { accountId: 'A13', balance: 5 } });
    expect(body.orders.items).toHaveLength(1);
    expect(body.orders.items[0]).not.toHaveProperty('internalNotes');
    expect(body).not.toHaveProperty('unavailable');
  });

  it.each<[failure: string, answer: Answer]>([
    ['fails', json('<html>', 500)],
    ['answers no JSON', json('{"accountId":')],
    ['answers with an array', json('[]')],
    ['never answers', () => undefined],
    ['stops in the middle of the body', (_req, res) => void res.writeHead(200).write('{')],
    ['closes the connection', (req) => void req.socket.destroy()],
  ])('names the account as unavailable when its service %s', async (_failure, answer) => {
    backends.on('/accounts/by-customer/13', answer);
    const { status, body } = await asOwner('/home');
    expect(status).toBe(200);
    expect(body).toMatchObject({ customer: { name: 'Ada' }, account: null, unavailable: ['account'] });
  });

  it('leaves an account that does not exist null without calling it unavailable', async () => {
    backends.on('/accounts/by-customer/13', json('{}', 404));
    const { body } = await asOwner('/home');
    expect(body).toMatchObject({ account: null });
    expect(body).not.toHaveProperty('unavailable');
  });

  it('fails when no part can be had', async () => {
    for (const one of ['/customers/13', '/orders', '/accounts/by-customer/13']) backends.on(one, json('{}', 500));
    const { status, body } = await asOwner('/home');
    expect(status).toBe(502);
    expect(body).toMatchObject({ code: 'upstream_failed' });
  });
});

describe('GET /orders', () => {
  it('lists the caller’s own orders with the cursor of the next page', async () => {
    const { body } = (await get('/orders?limit=2')) as { body: { items: { orderId: string }[]; next: string } };
    expect(body.items.map(({ orderId }) => orderId)).toEqual(['o2']);
    expect(body.next).toBe('n1');
  });

  it('keeps every digit of what the service answered', async () => {
    const row = JSON.stringify(order('o2', '13')).replace('"total":1.5', '"total":9007199254740993.10');
    backends.on('/orders/o2', json(row));
    expect((await get('/orders/o2')).text).toContain('"total":9007199254740993.10');
  });

  it('asks for the token’s subject, whatever the caller writes', async () => {
    let asked = '';
    backends.on('/orders', (req, res) => {
      asked = req.url ?? '';
      json('{"items":[],"next":null}')(req, res);
    });
    await get('/orders?limit=3&after=abc').expect(200, { items: [], next: null });
    expect(new URL(asked, backends.url).searchParams.get('customerId')).toBe('13');
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'after=', 'colour=red', 'customerId=14'])(
    'refuses ?%s',
    async (query) => {
      const { status, body } = (await get(`/orders?${query}`)) as { status: number; body: { errors: object[] } };
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'invalid_argument', status: 400 });
      expect(JSON.stringify(body.errors)).toContain(query.split('=')[0]);
    },
  );

  it('says that the cursor is not valid when the service does not know it', async () => {
    backends.on('/orders', json('{}', 400));
    const { status, body } = await asOwner('/orders?after=xyz');
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid_cursor', errors: [{ pointer: '/after' }] });
  });

  it.each(['limit=1', 'limit=100'])('accepts ?%s', async (query) => {
    await get(`/orders?${query}`).expect(200);
  });
});

describe('GET /orders/:orderId', () => {
  it('gives the caller’s order without its internal notes', async () => {
    const { status, body } = await asOwner('/orders/o2');
    expect(status).toBe(200);
    expect(body).toMatchObject({ orderId: 'o2' });
    expect(body).not.toHaveProperty('internalNotes');
  });

  it('answers another customer’s order and one that does not exist alike', async () => {
    const withoutIds = ({ body }: request.Response): object => ({
      ...(body as object),
      requestId: undefined,
      instance: undefined,
    });
    const foreign = await get('/orders/o1').expect(404);
    const unknown = await get('/orders/o9').expect(404);
    expect(withoutIds(foreign)).toEqual(withoutIds(unknown));
  });
});

describe('callers', () => {
  it('need a token', async () => {
    const response = await request(app.getHttpServer()).get('/home');
    expect(response).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it('need the role', async () => {
    const token = await backends.token({ roles: ['support'] });
    await request(app.getHttpServer()).get('/home').set('authorization', `Bearer ${token}`).expect(403);
  });

  it('see nothing of another tenant’s rows', async () => {
    const token = await backends.token({ tenant: 'south' });
    await request(app.getHttpServer()).get('/orders/o2').set('authorization', `Bearer ${token}`).expect(404);
  });

  it('are told how their limit stands, and refused beyond it', async () => {
    const token = await backends.token({}, '4711');
    const ask = () => request(app.getHttpServer()).get('/orders').set('authorization', `Bearer ${token}`);
    const first = await ask();
    expect(first.headers).toMatchObject({ 'ratelimit-policy': '"mobile-user";q=40;w=2' });
    expect(first.headers['ratelimit']).toBe('"mobile-user";r=39;t=1');
    const answers = await Promise.all(Array.from({ length: 100 }, ask));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(49);
    expect(refused[0]).toMatchObject({ body: { code: 'rate_limited' }, headers: { 'retry-after': '1' } });
    await get('/orders').expect(200);
  });

  it('get a problem for an unknown path', async () => {
    const { status, body } = await asOwner('/nowhere');
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not_found', instance: '/nowhere' });
  });
});

it('says 503 with Retry-After while the issuer of its own token is away', async () => {
  const config = readConfig({
    ...{
      MOBILE_CLIENT_SECRET: 'x',
      CATALOG_DIR: path.resolve(__dirname, '../../../catalog'),
      MOBILE_CATALOG_DIR: path.resolve(__dirname, '../catalog'),
      ISSUER_URL: backends.url,
    },
    ...{
      KAFKA_BROKERS: '127.0.0.1:1',
      AUDIT_FLUSH_MS: '0',
      REDIS_URL: 'redis://127.0.0.1:1',
      ORDERS_URL: 'http://127.0.0.1:1',
    },
    CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
  });
  const logger = createLogger({ service: 'mobile', level: 'silent' });
  const other = await createHttpApp(AppModule.forRoot(config), {
    logger,
    registry: createRegistry(),
  });
  await other.listen(0, '127.0.0.1');
  const response = await request(other.getHttpServer()).get('/orders').set('authorization', `Bearer ${bearer}`);
  await other.close();
  expect(response.status).toBe(503);
  expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
});

describe('declared access', () => {
  it('stands at every route and stream door; the anonymous ones are named here', () => {
    const doors = [...listRoutes(app), ...app.get(WebSocketDoor).list()].filter(({ method }) => method !== 'HEAD');
    const named = doors.map(({ method, path, access }) => `${method} ${path} ${accessText(access)}`);
    expect(named.sort()).toEqual([
      'GET /asyncapi.json public',
      'GET /home customer',
      'GET /openapi.json public',
      'GET /orders customer',
      'GET /orders/:orderId customer',
      'GET /orders/stream orders',
      'GET /orders/stream/records orders',
      'GET /streams any caller',
      'GET /streams/:name any caller',
      'GET /streams/:name/records any caller',
      'POST /orders/stream/acks orders',
      'POST /stream-tickets any caller',
      'POST /streams/:name/acks any caller',
      'WEBSOCKET /orders/stream orders',
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
