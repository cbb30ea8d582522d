import { WebSocketDoor } from '@tidegate/doors';
import { AppError } from '@tidegate/errors';
import { createHttpApp, listRoutes, type HttpApp, type RouteEntry } from '@tidegate/http';
import { StreamHub } from '@tidegate/streams';
import { createLogger, createRegistry, type Registry } from '@tidegate/telemetry';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import request from 'supertest';
import { AppModule } from './app.module';
import { Backends } from './backends.fixture';
import { openApi } from './open-api';
import { TransactionRequests } from './transactions/transaction-requests';

const movement = { accountId: 'account-13', amount: 12.5, currency: 'USD' };
const backends = new Backends();
let app: HttpApp;
let registry: Registry;
let lines: string[] = [];
let north: string;
let posted: jest.SpiedFunction<TransactionRequests['post']>;
let read: jest.SpiedFunction<StreamHub['read']>;

interface Answered {
  status: number;
  headers: Record<string, string>;
  body: object;
}

const answer = async (test: request.Test): Promise<Answered> => test;

const keys: Record<string, string> = {};
const api = (): ReturnType<typeof request> => request(app.getHttpServer());
const list = (query = '', key = north): request.Test => api().get(`/v1/transactions${query}`).set('x-api-key', key);
const post = (body: object = movement, idempotencyKey?: string): request.Test => {
  const test = api().post('/v1/transactions').set('x-api-key', north);
  return (idempotencyKey === undefined ? test : test.set('idempotency-key', idempotencyKey)).send(body);
};

beforeAll(async () => {
  await backends.start();
  north = backends.key('partner-north', { tenant: 'north' });
  Object.assign(keys, {
    other: backends.key('partner-north', { tenant: 'north' }),
    south: backends.key('partner-south', { tenant: 'south' }),
    expired: backends.key('partner-south', { expiresInMs: -1 }),
    reader: backends.key('partner-reader', { tenant: 'north', scopes: ['transactions:read'] }),
    writer: backends.key('partner-writer', { tenant: 'north', scopes: ['transactions:write'] }),
    reporting: backends.key('internal-reporting', { roles: ['reporting'] }),
    nobody: backends.key('nobody', { tenant: 'north', roles: ['guest'] }),
  });
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'partner', level: 'trace', destination });
  registry = createRegistry();
  app = await createHttpApp(AppModule.forRoot(backends.config()), { logger, registry, ...openApi });
  await app.listen(0, '127.0.0.1');
});

beforeEach(() => {
  backends.accounts.clear();
  backends.account('account-13', 'north');
  backends.account('account-14', 'south');
  lines = [];
  posted = jest
    .spyOn(app.get(TransactionRequests), 'post')
    .mockResolvedValue({ topic: 'bank.transaction-requests', partition: 3, offset: '9007199254740993' });
  read = jest
    .spyOn(app.get(StreamHub), 'read')
    .mockResolvedValue({ records: [{ transactionId: 't1' }], gone: [], cursor: 'c1', gap: null, caughtUp: true });
});

afterEach(() => jest.restoreAllMocks());

afterAll(async () => {
  await app.close();
  await backends.stop();
});

describe('POST /v1/transactions', () => {
  it('answers where Kafka has the request, the offset with all its digits', async () => {
    const { status, body } = await answer(post({ ...movement, reference: 'invoice 7' }));
    expect(status).toBe(201);
    expect(body).toEqual({
      transactionId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      topic: 'bank.transaction-requests',
      partition: 3,
      offset: '9007199254740993',
    });
    expect(posted).toHaveBeenCalledWith({
      ...movement,
      reference: 'invoice 7',
      transactionId: (body as { transactionId: string }).transactionId,
      tenantId: 'north',
      clientId: 'partner-north',
      requestedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
  });

  it('takes another id each time without a key, and for a key always the same one', async () => {
    const idOf = async (test: request.Test) => ((await test) as { body: { transactionId: string } }).body.transactionId;
    expect(await idOf(post())).not.toBe(await idOf(post()));
    posted.mockRejectedValueOnce(new AppError('unavailable', 'lost', { outcome: 'unknown' }));
    await post(movement, 'id-1').expect(503);
    const id = await idOf(post(movement, 'id-1'));
    expect(id).toMatch(/^.{14}5/);
    expect(posted.mock.calls.slice(-2).map(([{ transactionId }]) => transactionId)).toEqual([id, id]);
    backends.account('account-15', 'south');
    const theirs = api()
      .post('/v1/transactions')
      .set('x-api-key', keys['south'] ?? '')
      .set('idempotency-key', 'id-1');
    expect(await idOf(theirs.send({ ...movement, accountId: 'account-15' }))).not.toBe(id);
  });

  it('gives the first answer again, to both keys of the client, and asks nobody', async () => {
    const first = await post(movement, 'again-1').expect(201);
    posted.mockResolvedValue({ topic: 'bank.transaction-requests', partition: 0, offset: '1' });
    backends.accounts.clear();
    const again = await post(movement, 'again-1').set('x-api-key', keys['other'] ?? '');
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    expect(posted).toHaveBeenCalledTimes(1);
  });

  it('refuses a key with another body, and one whose first request is in work', async () => {
    let finish: () => void = () => undefined;
    posted.mockImplementation(
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ topic: 't', partition: 0, offset: '0' });
        }),
    );
    const first = post(movement, 'busy-1').then(({ status }) => status);
    while (posted.mock.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await post(movement, 'busy-1');
    expect(second).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(second.headers['retry-after']).toBe('1');
    const other = await post({ ...movement, amount: 1 }, 'busy-1');
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    finish();
    expect(await first).toBe(201);
  });

  it('says that the outcome is unknown, and takes the same key again for the same transaction', async () => {
    posted.mockRejectedValue(new AppError('unavailable', 'Unknown.', { outcome: 'unknown', retryAfterMs: 2_000 }));
    const { status, body, headers } = await answer(post(movement, 'lost-1'));
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(body).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    posted.mockResolvedValue({ topic: 't', partition: 0, offset: '1' });
    await post(movement, 'lost-1').expect(201);
    const [first, second] = posted.mock.calls.map(([{ transactionId }]) => transactionId);
    expect(first).toBe(second);
  });

  it('says 503 with Retry-After while Kafka is away, and that nothing was done', async () => {
    posted.mockRestore();
    const { status, body, headers } = await answer(post());
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(body).toMatchObject({ code: 'unavailable' });
    expect(body).not.toHaveProperty('outcome');
  });

  it('answers an account of another tenant and one that does not exist alike', async () => {
    const [foreign, unknown] = [
      await post({ ...movement, accountId: 'account-14' }),
      await post({ ...movement, accountId: 'x' }),
    ];
    const told = ({ status, body }: request.Response) => ({ status, ...(body as object), requestId: undefined });
    expect(told(foreign)).toEqual(told(unknown));
    expect(foreign.status).toBe(404);
    expect(posted).not.toHaveBeenCalled();
  });

  it('refuses a currency that the account is not kept in', async () => {
    const { status, body } = await answer(post({ ...movement, currency: 'EUR' }));
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'unprocessable', errors: [{ pointer: '/currency' }] });
  });

  it.each<[what: string, status: number, code: string]>([
    ['fails', 502, 'upstream_failed'],
    ['never answers', 504, 'timeout'],
  ])('passes on that the accounts service %s', async (what, status, code) => {
    backends.accounts.set('/accounts/account-13', (_request, response) => {
      if (what === 'fails') response.writeHead(500).end('{}');
    });
    expect(await post()).toMatchObject({ status, body: { code } });
    expect(posted).not.toHaveBeenCalled();
  });

  it.each([0.01, -0.01, 1e9, -1e9, 1.1, 999_999_999.99])('takes the amount %d', async (amount) => {
    await post({ ...movement, amount }).expect(201);
  });

  it.each<[what: string, body: object, pointer: string]>([
    ['an amount of zero', { ...movement, amount: 0 }, '/amount'],
    ['three decimals', { ...movement, amount: 1.001 }, '/amount'],
    ['too large an amount', { ...movement, amount: 1e9 + 0.01 }, '/amount'],
    ['too small an amount', { ...movement, amount: -1e9 - 0.01 }, '/amount'],
    ['an amount as text', { ...movement, amount: '12.5' }, '/amount'],
    ['no amount', { accountId: 'a', currency: 'USD' }, '/amount'],
    ['a currency in small letters', { ...movement, currency: 'usd' }, '/currency'],
    ['an empty account', { ...movement, accountId: '' }, '/accountId'],
    ['an account that is a path', { ...movement, accountId: '../customers/13' }, '/accountId'],
    ['a longer account', { ...movement, accountId: 'a'.repeat(65) }, '/accountId'],
    ['an empty reference', { ...movement, reference: '' }, '/reference'],
    ['a longer reference', { ...movement, reference: 'r'.repeat(141) }, '/reference'],
    ['a reference with control characters', { ...movement, reference: 'a\u0000b' }, '/reference'],
    ['a tenant', { ...movement, tenantId: 'south' }, '/tenantId'],
    ['an id', { ...movement, transactionId: '1' }, '/transactionId'],
  ])('refuses %s', async (_what, body, pointer) => {
    const response = (await post(body)) as { status: number; body: { errors: { pointer: string }[] } };
    expect(response.status).toBe(400);
    expect(response.body.errors.map((error) => error.pointer)).toEqual([pointer]);
    expect(posted).not.toHaveBeenCalled();
  });

  it('takes the longest account and reference', async () => {
    backends.account('a'.repeat(64), 'north');
    await post({ ...movement, accountId: 'a'.repeat(64), reference: 'r'.repeat(140) }).expect(201);
  });

  it.each<[what: string, type: string, body: string, status: number]>([
    ['half a body', 'application/json', '{"accountId":', 400],
    ['no body', 'application/json', '', 400],
    ['a list', 'application/json', '[]', 400],
    ['a field twice', 'application/json', '{"amount":1,"amount":2}', 400],
    ['a form', 'application/x-www-form-urlencoded', 'amount=1', 415],
    ['text', 'text/plain', '{}', 415],
    ['a body beyond 64 KiB', 'application/json', JSON.stringify({ reference: 'r'.repeat(65_536) }), 413],
  ])('refuses %s', async (_what, type, body, status) => {
    const response = await api().post('/v1/transactions').set('x-api-key', north).set('content-type', type).send(body);
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it.each(['a b', 'a'.repeat(256)])('refuses the Idempotency-Key %j', async (key) => {
    expect(await post(movement, key)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});

describe('GET /v1/transactions', () => {
  it('begins at the oldest row, and goes on behind a cursor', async () => {
    expect((await list()).body).toEqual({ items: [{ transactionId: 't1' }], next: 'c1' });
    await list('?limit=7&after=c1').expect(200);
    expect(read.mock.calls.map(([, stream, options]) => [stream, options])).toEqual([
      ['transactions', { from: 'earliest', limit: 100, waitMs: 0 }],
      ['transactions', { after: 'c1', limit: 7, waitMs: 0 }],
    ]);
  });

  it('ends when there is nothing more, and only then', async () => {
    const page = { records: [], gone: [], cursor: 'c2', gap: null };
    read.mockResolvedValueOnce({ ...page, caughtUp: true });
    expect((await list('?after=c1')).body).toEqual({ items: [], next: null });
    read.mockResolvedValueOnce({ ...page, caughtUp: false });
    expect((await list('?after=c1')).body).toEqual({ items: [], next: 'c2' });
  });

  it('says when rows can no longer be had', async () => {
    read.mockResolvedValueOnce({ records: [], gone: [], cursor: 'c2', gap: { reason: 'retention' }, caughtUp: true });
    expect((await list('?after=c1')).body).toEqual({ items: [], next: null, gap: { reason: 'retention' } });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'limit=', 'after=', 'colour=red', 'tenantId=south', 'api_key=1'])(
    'refuses ?%s',
    async (query) => {
      const response = (await list(`?${query}`)) as { status: number; body: { errors: { pointer: string }[] } };
      expect(response.status).toBe(400);
      expect(response.body.errors[0]?.pointer).toBe(`/${query.split('=')[0]}`);
    },
  );

  it.each(['limit=1', 'limit=1000', 'from=latest', 'from=2026-01-31T12:00:00Z'])('takes ?%s', async (query) => {
    await list(`?${query}`).expect(200);
  });

  it('refuses a cursor that is none, and a start that is none', async () => {
    read.mockRestore();
    expect(await list('?after=abc')).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
    expect(await list('?from=yesterday')).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});

describe('callers', () => {
  const statusOf = async (headers: Record<string, string | string[]>, target = '/v1/transactions'): Promise<number> => {
    const { port } = app.getHttpServer().address() as { port: number };
    const given = Object.entries(headers).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    );
    const { get } = await import('node:http');
    return new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path: target, headers: ['Host', 'localhost', ...given.flat()] };
      get({ ...options, headers: options.headers as never }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on('error', reject);
    });
  };

  it('come with a key or with a token', async () => {
    const token = await backends.token({ tenant: 'north', roles: ['partner'] }, 'partner-north');
    await api().get('/v1/transactions').set('authorization', `Bearer ${token}`).expect(200);
    await list().expect(200);
    await api().post('/v1/transactions').set('authorization', `Bearer ${token}`).send(movement).expect(201);
  });

  // O-34
  it.each<[what: string, headers: () => Record<string, string | string[]>, target: string]>([
    ['no credential', () => ({}), '/v1/transactions'],
    ['the key in the query', () => ({}), '/v1/transactions?api_key=KEY&X-API-Key=KEY'],
    ['two keys', () => ({ 'X-API-Key': [north, keys['other'] ?? ''] }), '/v1/transactions'],
    ['the same key twice', () => ({ 'X-API-Key': north, 'x-api-key': north }), '/v1/transactions'],
    ['two keys in one header', () => ({ 'X-API-Key': `${north}, ${north}` }), '/v1/transactions'],
    ['a key and a token', () => ({ 'X-API-Key': north, Authorization: 'Bearer abcdef' }), '/v1/transactions'],
    ['a key as a token', () => ({ Authorization: `Bearer ${north}` }), '/v1/transactions'],
    ['a key as Basic', () => ({ Authorization: `Basic ${btoa(`${north}:`)}` }), '/v1/transactions'],
    ['an empty key', () => ({ 'X-API-Key': '' }), '/v1/transactions'],
    ['a key in capitals', () => ({ 'X-API-Key': north.toUpperCase() }), '/v1/transactions'],
    ['a key with another end', () => ({ 'X-API-Key': `${north.slice(0, -1)}-` }), '/v1/transactions'],
    ['an expired key', () => ({ 'X-API-Key': keys['expired'] ?? '' }), '/v1/transactions'],
    ['another header', () => ({ 'Api-Key': north }), '/v1/transactions'],
  ])('are refused with %s', async (_what, headers, target) => {
    expect(await statusOf(headers(), target.replaceAll('KEY', north))).toBe(401);
    expect(read).not.toHaveBeenCalled();
  });

  it('are not told apart by spaces around a key, nor by the case of the header', async () => {
    expect(await statusOf({ 'x-aPi-keY': ` ${north}  ` })).toBe(200);
  });

  it('with a good key are not heard with another one in the query', async () => {
    expect(await statusOf({ 'X-API-Key': north }, `/v1/transactions?api_key=${keys['south']}`)).toBe(400);
  });

  it.each([
    ['reader', 200, 403],
    ['writer', 403, 201],
    ['reporting', 200, 403],
    ['nobody', 404, 403],
  ] as const)('with the key of %s get %i for a list and %i for a movement', async (name, listed, accepted) => {
    if (name === 'nobody') read.mockRestore();
    await list('', keys[name]).expect(listed);
    await api()
      .post('/v1/transactions')
      .set('x-api-key', keys[name] ?? '')
      .send(movement)
      .expect(accepted);
  });

  it('leave no secret behind in logs, metrics, errors or what services are asked', async () => {
    const south = keys['south'] ?? '';
    await list('?after=abc').expect(200);
    await statusOf({ 'X-API-Key': `${north}x` }, `/v1/transactions?api_key=${south}`);
    await statusOf({ 'X-API-Key': [north, south] });
    posted.mockRejectedValueOnce(new TypeError('x is undefined'));
    const { text } = await post(movement, 'trace-1').expect(500);
    const everything = [...lines, await registry.metrics(), text, ...backends.asked].join('\n');
    expect(lines.join('')).toContain('request failed');
    for (const key of [north, south]) expect(everything).not.toContain(key.split('_')[3]);
  });

  // O-35
  it.each([
    '/v1/transactions/',
    '//v1/transactions',
    '/V1/transactions',
    '/v1/Transactions',
    '/v1/transactions;x=1',
    '/v1%2Ftransactions',
    '/v1/%2e%2e/v1/transactions',
    '/v1/./transactions',
  ])('get nothing at %s, with or without a key', async (target) => {
    expect(await statusOf({}, target)).toBe(404);
    expect(await statusOf({ 'X-API-Key': north }, target)).toBe(404);
  });

  it('need their key for HEAD too, and no other header changes the method', async () => {
    await api().head('/v1/transactions').expect(401);
    await api().get('/v1/transactions').set('x-http-method-override', 'POST').set('x-api-key', north).expect(200);
    const refused = await api().delete('/v1/transactions').set('x-api-key', north);
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('the limit of a key', () => {
  it('lets 1,000 requests of a key through in a minute, and keeps the other key of the client out of it', async () => {
    const key = keys['reader'] ?? '';
    const first = await list('', key);
    expect(first.headers['ratelimit-policy']).toBe('"partner-key";q=1000;w=60');
    const left = Number(/r=(\d+)/.exec(String(first.headers['ratelimit']))?.[1]);
    for (let sent = 0; sent < left; sent += 100) {
      const answers = await Promise.all(Array.from({ length: Math.min(100, left - sent) }, () => list('', key)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
    const refused = await list('', key);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await list().expect(200);
  }, 30_000);
});

describe('the contract of /v1', () => {
  interface Document {
    openapi: string;
    info: object;
    paths: Record<string, object>;
    components: object;
  }

  it('is the golden file, to the letter', async () => {
    const { body } = (await api().get('/openapi.json')) as { body: Document };
    const paths = Object.fromEntries(Object.entries(body.paths).filter(([name]) => name.startsWith('/v1/')));
    const { openapi, info, components } = body;
    const current = `${JSON.stringify({ openapi, info, paths, components }, undefined, 2)}\n`;
    const golden = path.resolve(__dirname, '../openapi.v1.json');
    const candidate = path.resolve(__dirname, '../../../tmp/openapi.v1.json');
    writeFileSync(candidate, current);
    // Fails? A change that is only additive is accepted as the README says; any other needs a /v2.
    expect(JSON.parse(current)).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });
});

describe('declared access', () => {
  it('stands at every route and stream door; the anonymous ones are named here', () => {
    const doors = [...listRoutes(app), ...app.get(WebSocketDoor).list()].filter(({ method }) => method !== 'HEAD');
    const named = doors.map(({ method, path, access }) => `${method} ${path} ${accessText(access)}`);
    expect(named.sort()).toEqual([
      'GET /openapi.json public',
      'GET /streams any caller',
      'GET /streams/:name any caller',
      'GET /streams/:name/records any caller',
      'GET /v1/transactions transactions:read',
      'POST /v1/transactions partner transactions:write',
      'WEBSOCKET /streams any caller',
      'WEBSOCKET /streams/:name any caller',
    ]);
  });
});

function accessText(access: RouteEntry['access']): string {
  if (access === undefined) return 'UNDECLARED';
  if (access.kind === 'public') return 'public';
  const scope = access.resource === undefined ? [] : [`${access.resource}:${access.action ?? 'read'}`];
  return [...(access.roles ?? []), ...scope].join(' ') || 'any caller';
}
