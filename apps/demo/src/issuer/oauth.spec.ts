import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { redirectUri, RunningIssuer } from './issuer.fixture';

interface Answer {
  access_token: string;
  token_type: string;
  error?: string;
}

const running = new RunningIssuer();
let partners: { 'partner-north': { secret: string } };

beforeAll(async () => {
  await running.start();
  partners = JSON.parse(readFileSync(running.partnersFile, 'utf8')) as typeof partners;
});
afterAll(() => running.stop());

async function token(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<[number, Answer]> {
  const response = await fetch(`${running.url}/token`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  const answer = (await response.json()) as Answer;
  return [response.status, answer];
}

describe('a partner with a secret', () => {
  const basic = (secret = partners['partner-north'].secret) => ({
    authorization: `Basic ${btoa(`partner-north:${secret}`)}`,
  });

  it('gets a token of its tenant, and only for the scopes that it may have', async () => {
    const [status, { access_token }] = await token(
      { grant_type: 'client_credentials', scope: 'transactions:read' },
      basic(),
    );
    expect(status).toBe(200);
    expect(decodeJwt(access_token)).toMatchObject({
      ...{ sub: 'partner-north', client_id: 'partner-north', aud: 'tidegate' },
      ...{ tenant: 'north', roles: ['partner'], scope: 'transactions:read' },
    });
    expect((await token({ grant_type: 'client_credentials' }, basic('x'.repeat(43))))[0]).toBe(401);
  });

  it('gets a token that is bound to its DPoP key', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: `${running.url}/token` })
      .setIssuedAt()
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey);
    const [status, answer] = await token({ grant_type: 'client_credentials' }, { ...basic(), dpop: proof });
    expect([status, answer.token_type]).toEqual([200, 'DPoP']);
    expect(decodeJwt(answer.access_token)['cnf']).toEqual({ jkt: await calculateJwkThumbprint(jwk) });
  });

  it('finds its secret where only its owner can read it', () => {
    expect(statSync(running.partnersFile).mode & 0o777).toBe(0o600);
  });
});

describe('a page', () => {
  /** A browser as far as the flow needs one: cookies, and redirects one by one. */
  class Visitor {
    private readonly cookies = new Map<string, string>();

    async go(
      target: string,
      form?: Record<string, string>,
    ): Promise<{ status: number; location: string; text: string }> {
      const response = await fetch(new URL(target, running.url), {
        redirect: 'manual',
        headers: { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        this.cookies.set(name, value);
      }
      const { status, headers } = response;
      return { status, location: headers.get('location') ?? '', text: await response.text() };
    }
  }

  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const asked = {
    ...{ client_id: 'console', response_type: 'code', redirect_uri: redirectUri, scope: 'openid', state: 's1' },
    ...{ code_challenge: challenge, code_challenge_method: 'S256' },
  };
  const begin = (visitor: Visitor, changes: Record<string, string> = {}) =>
    visitor.go(`/auth?${new URLSearchParams({ ...asked, ...changes }).toString()}`);

  async function codeFor(identity: Record<string, string>): Promise<string> {
    const visitor = new Visitor();
    const { location: signIn } = await begin(visitor);
    expect((await visitor.go(signIn)).text).toContain('<form method="post">');
    const { location: resume } = await visitor.go(signIn, identity);
    const { location } = await visitor.go(resume);
    const back = new URL(location);
    expect([`${back.origin}${back.pathname}`, back.searchParams.get('state')]).toEqual([redirectUri, 's1']);
    return back.searchParams.get('code') ?? '';
  }
  const exchange = (code: string, code_verifier: string) =>
    token({ grant_type: 'authorization_code', client_id: 'console', redirect_uri: redirectUri, code, code_verifier });

  it('gets a token for the person who signed in, for its code and its verifier, once', async () => {
    const code = await codeFor({ role: 'customer', subject: '13', tenant: '' });
    const [status, { access_token }] = await exchange(code, verifier);
    expect(status).toBe(200);
    expect(decodeJwt(access_token)).toMatchObject({
      ...{ iss: running.url, aud: 'tidegate', sub: '13', client_id: 'console' },
      ...{ tenant: 'north', roles: ['customer'] },
    });
    expect((await exchange(code, verifier))[0]).toBe(400);
  });

  it('gets nothing for another verifier', async () => {
    const code = await codeFor({ role: 'platform' });
    expect((await exchange(code, randomBytes(32).toString('base64url')))[0]).toBe(400);
  });

  it('is sent back without a challenge, and not at all to an address that nobody registered', async () => {
    const { location } = await begin(new Visitor(), { code_challenge: '', code_challenge_method: '' });
    expect(new URL(location).searchParams.get('error')).toBe('invalid_request');
    expect((await begin(new Visitor(), { redirect_uri: 'https://evil.example/callback' })).status).toBe(400);
  });

  it('is told who cannot sign in, and that a sign-in is over', async () => {
    const visitor = new Visitor();
    const { location: signIn } = await begin(visitor);
    expect(await visitor.go(signIn, { role: 'king' })).toMatchObject({ status: 400 });
    expect(await new Visitor().go(signIn)).toMatchObject({ status: 400 });
  });

  it('may ask for its token from its own origin, and from no other', async () => {
    const preflight = async (origin: string): Promise<string | null> => {
      const headers = { origin, 'access-control-request-method': 'POST' };
      const response = await fetch(`${running.url}/token`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ grant_type: 'authorization_code', client_id: 'console', code: 'x', ...headers }),
      });
      return response.headers.get('access-control-allow-origin');
    };
    expect(await preflight('http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080');
    expect(await preflight('https://evil.example')).toBeNull();
  });
});
