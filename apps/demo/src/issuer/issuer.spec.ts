import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import { statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Issuer } from './issuer';
import { RunningIssuer, secret } from './issuer.fixture';

const running = new RunningIssuer();
let url: string;

async function claimsOf(token: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${url}/jwks`));
  return (await jwtVerify(token, keys, { issuer: url, audience: 'tidegate', algorithms: ['ES256'] })).payload;
}

function devToken(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function tokenOf(response: Response): Promise<string> {
  return ((await response.json()) as { access_token: string }).access_token;
}

function clientCredentials(password: string, fields: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`mobile-bff:${encodeURIComponent(password)}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }),
  });
}

beforeAll(async () => {
  await running.start();
  ({ url } = running);
});
afterAll(() => running.stop());

describe(Issuer.name, () => {
  it('describes itself, and its key set holds no private key', async () => {
    const discovery = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as Record<
      string,
      unknown
    >;
    expect(discovery).toMatchObject({ issuer: url, jwks_uri: `${url}/jwks`, token_endpoint: `${url}/token` });
    const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: Record<string, unknown>[] };
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: 'EC', alg: 'ES256' });
    expect(keys[0]).not.toHaveProperty('d');
  });

  it('gives a client a service token', async () => {
    const response = await clientCredentials(secret);
    expect(response.status).toBe(200);
    expect(await claimsOf(await tokenOf(response))).toMatchObject({
      sub: 'mobile-bff',
      client_id: 'mobile-bff',
      roles: ['service'],
    });
  });

  it('refuses a wrong secret and a foreign resource', async () => {
    expect((await clientCredentials('wrong')).status).toBe(401);
    expect((await clientCredentials(secret, { resource: 'https://elsewhere.example' })).status).toBe(400);
  });

  it('gives a customer a token of the tenant that the household belongs to', async () => {
    const response = await devToken({ role: 'customer', subject: '13' });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await claimsOf(await tokenOf(response))).toMatchObject({ sub: '13', tenant: 'north', roles: ['customer'] });
    const even = await claimsOf(await tokenOf(await devToken({ role: 'customer', subject: '14' })));
    expect(even['tenant']).toBe('south');
  });

  it('gives an auditor a token without a tenant, for as long as was asked', async () => {
    const claims = await claimsOf(await tokenOf(await devToken({ role: 'auditor', expiresInSeconds: 5 })));
    expect(claims).not.toHaveProperty('tenant');
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(5);
  });

  it.each([
    ['an unknown role', { role: 'king' }, '/role'],
    ['a customer without a household', { role: 'customer' }, '/subject'],
    ['a household of another tenant', { role: 'customer', subject: '13', tenant: 'south' }, '/tenant'],
    ['support without a tenant', { role: 'support' }, '/tenant'],
    ['a platform engineer of a tenant', { role: 'platform', tenant: 'north' }, '/tenant'],
    ['a subject that is no name', { role: 'auditor', subject: 'a b' }, '/subject'],
    ['an endless token', { role: 'auditor', expiresInSeconds: 86_401 }, '/expiresInSeconds'],
    ['an unknown field', { role: 'auditor', admin: true }, ''],
    ['a list', [], ''],
  ])('refuses %s and says where', async (_what, body, pointer) => {
    const response = await devToken(body);
    const problem = (await response.json()) as { code: string; errors: { pointer: string }[] };
    expect([response.status, problem.code]).toEqual([400, 'invalid_argument']);
    expect(problem.errors[0]?.pointer).toBe(pointer);
  });

  it('refuses what is not JSON, not a POST or too large', async () => {
    expect((await devToken('{')).status).toBe(400);
    expect((await devToken('role=platform', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await devToken({ role: 'a'.repeat(5_000) })).status).toBe(413);
    expect((await fetch(`${url}/dev/token`)).status).toBe(405);
  });

  it('answers nobody who calls it by another name', async () => {
    const status = await new Promise((resolve) => {
      const request = httpRequest(`${url}/jwks`, { headers: { host: 'evil.example' } }, (response) =>
        resolve(response.resume().statusCode),
      );
      request.end();
    });
    expect(status).toBe(403);
  });

  it('keeps its keys over a restart, readable by their owner only', async () => {
    const token = await tokenOf(await devToken({ role: 'platform' }));
    await running.stop();
    await running.start().catch(() => running.start());
    ({ url } = running);
    expect(statSync(running.keysFile).mode & 0o777).toBe(0o600);
    const keys = createRemoteJWKSet(new URL(`${url}/jwks`));
    await expect(jwtVerify(token, keys)).resolves.toBeDefined();
  });

  it('names the variable of a port that is taken', async () => {
    const second = running.another();
    await expect(second.start()).rejects.toThrow('DEMO_ISSUER_PORT');
  });
});
