import { WebSocketDoor } from '@tidegate/doors';
import { listRoutes, type RouteEntry } from '@tidegate/http';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { movement, PartnerApp } from './partner-app.fixture';

const partner = new PartnerApp();

beforeAll(() => partner.start());
beforeEach(() => partner.reset());
afterAll(() => partner.stop());

describe('callers', () => {
  const statusOf = async (headers: Record<string, string | string[]>, target = '/v1/transactions'): Promise<number> => {
    const { port } = partner.app.getHttpServer().address() as { port: number };
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
    const token = await partner.backends.token({ tenant: 'north', roles: ['partner'] }, 'partner-north');
    await partner.http().get('/v1/transactions').set('authorization', `Bearer ${token}`).expect(200);
    await partner.list().expect(200);
    await partner.http().post('/v1/transactions').set('authorization', `Bearer ${token}`).send(movement).expect(201);
  });

  // O-34
  it.each<[what: string, headers: () => Record<string, string | string[]>, target: string]>([
    ['no credential', () => ({}), '/v1/transactions'],
    ['the key in the query', () => ({}), '/v1/transactions?api_key=KEY&X-API-Key=KEY'],
    ['two keys', () => ({ 'X-API-Key': [partner.key('north'), partner.key('other')] }), '/v1/transactions'],
    [
      'the same key twice',
      () => ({ 'X-API-Key': partner.key('north'), 'x-api-key': partner.key('north') }),
      '/v1/transactions',
    ],
    [
      'two keys in one header',
      () => ({ 'X-API-Key': `${partner.key('north')}, ${partner.key('north')}` }),
      '/v1/transactions',
    ],
    [
      'a key and a token',
      () => ({ 'X-API-Key': partner.key('north'), Authorization: 'Bearer abcdef' }),
      '/v1/transactions',
    ],
    ['a key as a token', () => ({ Authorization: `Bearer ${partner.key('north')}` }), '/v1/transactions'],
    ['a key as Basic', () => ({ Authorization: `Basic ${btoa(`${partner.key('north')}:`)}` }), '/v1/transactions'],
    ['an empty key', () => ({ 'X-API-Key': '' }), '/v1/transactions'],
    ['a key in capitals', () => ({ 'X-API-Key': partner.key('north').toUpperCase() }), '/v1/transactions'],
    ['a key with another end', () => ({ 'X-API-Key': `${partner.key('north').slice(0, -1)}-` }), '/v1/transactions'],
    ['an expired key', () => ({ 'X-API-Key': partner.key('expired') }), '/v1/transactions'],
    ['another header', () => ({ 'Api-Key': partner.key('north') }), '/v1/transactions'],
  ])('are refused with %s', async (_what, headers, target) => {
    expect(await statusOf(headers(), target.replaceAll('KEY', partner.key('north')))).toBe(401);
    expect(partner.read).not.toHaveBeenCalled();
  });

  it('are not told apart by spaces around a key, nor by the case of the header', async () => {
    expect(await statusOf({ 'x-aPi-keY': ` ${partner.key('north')}  ` })).toBe(200);
  });

  it('with a good key are not heard with another one in the query', async () => {
    expect(
      await statusOf({ 'X-API-Key': partner.key('north') }, `/v1/transactions?api_key=${partner.key('south')}`),
    ).toBe(400);
  });

  it.each([
    ['reader', 200, 403],
    ['writer', 403, 201],
    ['reporting', 200, 403],
    ['nobody', 404, 403],
  ] as const)('with the key of %s get %i for a list and %i for a movement', async (name, listed, accepted) => {
    if (name === 'nobody') partner.read.mockRestore();
    await partner.list('', partner.key(name)).expect(listed);
    await partner.http().post('/v1/transactions').set('x-api-key', partner.key(name)).send(movement).expect(accepted);
  });

  it('leave no secret behind in logs, metrics, errors or what services are asked', async () => {
    const south = partner.key('south');
    await partner.list('?after=abc').expect(200);
    await statusOf({ 'X-API-Key': `${partner.key('north')}x` }, `/v1/transactions?api_key=${south}`);
    await statusOf({ 'X-API-Key': [partner.key('north'), south] });
    partner.posted.mockRejectedValueOnce(new TypeError('x is undefined'));
    const { text } = await partner.post(movement, 'trace-1').expect(500);
    const everything = [...partner.lines, await partner.registry.metrics(), text, ...partner.backends.asked].join('\n');
    expect(partner.lines.join('')).toContain('request failed');
    for (const key of [partner.key('north'), south]) expect(everything).not.toContain(key.split('_')[3]);
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
    expect(await statusOf({ 'X-API-Key': partner.key('north') }, target)).toBe(404);
  });

  it('need their key for HEAD too, and no other header changes the method', async () => {
    await partner.http().head('/v1/transactions').expect(401);
    await partner
      .http()
      .get('/v1/transactions')
      .set('x-http-method-override', 'POST')
      .set('x-api-key', partner.key('north'))
      .expect(200);
    const refused = await partner.http().delete('/v1/transactions').set('x-api-key', partner.key('north'));
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('the tenant of a caller', () => {
  const said = [
    ['x-tenant', 'south'],
    ['x-tenant-id', 'south'],
    ['x-forwarded-tenant', 'south'],
    ['x-roles', 'platform'],
    ['x-user-id', 'partner-south'],
    ['cookie', 'tenant=south'],
  ] as const;

  it('is what the credential says, whatever headers say', async () => {
    for (const [name, value] of said) await partner.list().set(name, value).expect(200);
    const callers = partner.read.mock.calls.map(
      ([{ tenant, roles, subject }]) => `${subject}@${tenant} ${roles.join()}`,
    );
    expect(callers).toEqual(said.map(() => 'partner-north@north partner'));
  });

  it('is not taken from the query or the body', async () => {
    await partner.list('?tenant=south').expect(400);
    await partner.list('?tenantId=south&limit=1').expect(400);
    for (const field of ['tenant', 'tenantId']) await partner.post({ ...movement, [field]: 'south' }).expect(400);
    expect(partner.read).not.toHaveBeenCalled();
    expect(partner.posted).not.toHaveBeenCalled();
  });

  it('is nobody’s where the token has none: no rows, no movements', async () => {
    partner.read.mockRestore();
    const token = await partner.backends.token({ roles: ['partner'] }, 'partner-north');
    const as = { authorization: `Bearer ${token}` };
    expect((await partner.http().post('/v1/transactions').set(as).send(movement)).status).toBeGreaterThanOrEqual(400);
    expect((await partner.http().get('/v1/transactions').set(as)).status).toBeGreaterThanOrEqual(400);
    expect(partner.posted).not.toHaveBeenCalled();
  });
});

describe('the limit of a key', () => {
  it('lets 1,000 requests of a key through in a minute, and leaves other keys alone', async () => {
    const key = partner.key('reader');
    const first = await partner.list('', key);
    expect(first.headers['ratelimit-policy']).toBe('"partner-key";q=1000;w=60');
    const left = Number(/r=(\d+)/.exec(String(first.headers['ratelimit']))?.[1]);
    for (let sent = 0; sent < left; sent += 100) {
      const answers = await Promise.all(
        Array.from({ length: Math.min(100, left - sent) }, () => partner.list('', key)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
    const refused = await partner.list('', key);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await partner.list().expect(200);
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
    const { body } = (await partner.http().get('/openapi.json')) as { body: Document };
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
    const doors = [...listRoutes(partner.app), ...partner.app.get(WebSocketDoor).list()].filter(
      ({ method }) => method !== 'HEAD',
    );
    const named = doors.map(({ method, path, access }) => `${method} ${path} ${accessText(access)}`);
    expect(named.sort()).toEqual([
      'DELETE /admin/api-keys/:id platform api-keys:manage',
      'GET /admin/api-keys platform api-keys:manage',
      'GET /asyncapi.json public',
      'GET /openapi.json public',
      'GET /streams any caller',
      'GET /streams/:name any caller',
      'GET /streams/:name/records any caller',
      'GET /v1/transactions transactions:read',
      'POST /admin/api-keys platform api-keys:manage',
      'POST /admin/sign-outs platform api-keys:manage',
      'POST /stream-tickets any caller',
      'POST /streams/:name/acks any caller',
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
