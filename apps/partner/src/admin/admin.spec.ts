import type { Test } from 'supertest';
import { PartnerApp } from '../partner-app.fixture';

const partner = new PartnerApp();
let platform: string;

beforeAll(async () => {
  await partner.start();
  platform = await partner.backends.token({ roles: ['platform'] }, 'engineer');
});
beforeEach(() => partner.reset());
afterAll(() => partner.stop());

const as = (token: string, test: Test): Test => test.set('authorization', `Bearer ${token}`);
const keysOf = async (client: string): Promise<{ id: string }[]> => {
  const answer = await as(platform, partner.http().get('/admin/api-keys')).expect(200);
  return (answer.body as { items: { id: string; client: string }[] }).items.filter((row) => row.client === client);
};
const make = (body: object): Test => as(platform, partner.http().post('/admin/api-keys')).send(body);

describe('keys made by a platform engineer', () => {
  it('are taken at once, listed without a secret, and end when they are revoked', async () => {
    const wanted = { client: 'partner-east', tenant: 'north', roles: ['partner'], scopes: ['transactions:read'] };
    const made = await make(wanted).expect(201);
    const { id, key } = made.body as { id: string; key: string };
    expect(made.headers['cache-control']).toBe('no-store');
    await partner.list('', key).expect(200);
    await partner.post(undefined, undefined, key).expect(403);
    expect(await keysOf('partner-east')).toEqual([
      { ...wanted, id, kind: 'api-key', expiresAt: expect.any(String) as string },
    ]);
    expect([...partner.lines, JSON.stringify(await keysOf('partner-east'))].join('')).not.toContain(key.split('_')[3]);
    await as(platform, partner.http().delete(`/admin/api-keys/${id}`)).expect(204);
    await partner.list('', key).expect(401);
    expect(await keysOf('partner-east')).toEqual([]);
    await as(platform, partner.http().delete(`/admin/api-keys/${id}`)).expect(404);
  });

  it.each<[what: string, body: object, status: number, code: string]>([
    ['a third live key', { client: 'partner-north', scopes: ['transactions:read'] }, 409, 'conflict'],
    ['an unknown client', { client: 'stranger', scopes: ['transactions:read'] }, 400, 'invalid_argument'],
    ['the role platform', { client: 'a', roles: ['platform'], scopes: ['a:read'] }, 400, 'invalid_argument'],
    ['a past end', { client: 'a', scopes: ['a:read'], expiresAt: '2020-01-01T00:00:00Z' }, 400, 'invalid_argument'],
    ['an endless key', { client: 'a', scopes: ['a:read'], expiresAt: '2099-01-01T00:00:00Z' }, 400, 'invalid_argument'],
    ['no scope', { client: 'partner-south', scopes: [] }, 400, 'invalid_argument'],
    ['the hash of a key', { client: 'partner-south', scopes: ['a:read'], hash: 'x' }, 400, 'invalid_argument'],
  ])('are not made for %s', async (_what, body, status, code) => {
    const refused = await make(body);
    expect(refused).toMatchObject({ status, body: { code } });
  });

  it('are for nobody else to make, see or revoke', async () => {
    const support = await partner.backends.token({ roles: ['support'], tenant: 'north' }, 'support');
    for (const [method, path] of [
      ['get', '/admin/api-keys'],
      ['post', '/admin/api-keys'],
      ['delete', '/admin/api-keys/x'],
      ['post', '/admin/sign-outs'],
    ] as const) {
      await partner.http()[method](path).expect(401);
      await partner.http()[method](path).set('x-api-key', partner.key('south')).expect(403);
      await as(support, partner.http()[method](path)).expect(403);
    }
  });

  it('are not for a token of an engineer that is narrowed to something else', async () => {
    const claims = { roles: ['platform'], scope: 'transactions:read' };
    const narrowed = await partner.backends.token(claims, 'engineer');
    await as(narrowed, partner.http().get('/admin/api-keys')).expect(403);
    const body = { client: 'partner-west', roles: ['partner'], scopes: ['transactions:read'] };
    await as(narrowed, partner.http().post('/admin/api-keys')).send(body).expect(403);
    await as(narrowed, partner.http().post('/admin/sign-outs')).send({ subject: 'x' }).expect(403);
    const fitting = await partner.backends.token({ ...claims, scope: 'api-keys:manage' }, 'engineer');
    await as(fitting, partner.http().get('/admin/api-keys')).expect(200);
  });

  it('never get the scope to make keys', async () => {
    const refused = await make({ client: 'partner-south', scopes: ['api-keys:manage'] });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});

describe('a caller who is signed out', () => {
  it('is refused with the tokens of before', async () => {
    const claims = { roles: ['partner'], tenant: 'north', iat: Math.floor(Date.now() / 1_000) - 1 };
    const token = await partner.backends.token(claims, 'leaver');
    const list = (): Test => as(token, partner.http().get('/v1/transactions'));
    await list().expect(200);
    const body = { subject: 'leaver', tenant: 'north' };
    await as(platform, partner.http().post('/admin/sign-outs')).send(body).expect(204);
    await list().expect(401);
  });
});
