import type { RequestListener } from 'node:http';
import { Authenticator } from './authenticator';
import { audience, LoopbackIssuer, signingKey, type SigningKey } from './loopback-issuer';

let issuer: LoopbackIssuer;
let known: SigningKey;
let rotated: SigningKey;
let nowMs: number;

const refusal = { code: 'unauthenticated' };
const manners: Record<string, RequestListener> = {
  'an empty key set': (_request, response) => response.end('{"keys":[]}'),
  'a 500': (_request, response) => response.writeHead(500).end(),
  'something else': (_request, response) => response.end('<html>'),
  'keys that are no keys': (_request, response) => response.end('{"keys":[1,null]}'),
  'a redirect': (_request, response) => response.writeHead(302, { location: '/jwks2' }).end(),
  'more than it may': (_request, response) => response.end(`{"keys":[{"kty":"RSA","n":"${'A'.repeat(600_000)}"}]}`),
  nothing: () => undefined,
};

beforeAll(async () => {
  [known, rotated] = await Promise.all([signingKey('ES256', 'known'), signingKey('ES256', 'rotated')]);
});
beforeEach(async () => {
  nowMs = Date.now();
  issuer = await new LoopbackIssuer().start();
  issuer.keys = [known.jwk];
});
afterEach(() => issuer.stop());

// The cache of verified tokens is off, so that each token needs its key.
const subject = (keysTimeoutMs = 5_000) =>
  new Authenticator({ issuer: issuer.url, audience, verifiedTtlMs: 0, keysTimeoutMs }, { now: () => nowMs });
// Long enough for a real answer on a busy machine, as short as a spec can wait for none.
const hangingMs = 300;

/** Tokens whose signature is no signature, each with a key id of its own. */
const strangers = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `random-${index}` })).toString('base64url');
    return `${header}.e30.AAAA`;
  });
const settle = (authenticator: Authenticator, tokens: string[]) =>
  Promise.all(tokens.map((token) => expect(authenticator.bearer(token)).rejects.toMatchObject(refusal)));

describe('the keys of the issuer', () => {
  it('are fetched once for all who ask at the same time', async () => {
    const authenticator = subject();
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, index) => issuer.sign(known, { sub: `${index}` })));
    await Promise.all(tokens.map((token) => authenticator.bearer(token)));
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  it('are fetched once per cooldown for tokens with random key ids, and then a rotated key works', async () => {
    const authenticator = subject();
    await authenticator.bearer(await issuer.sign(known));
    issuer.keys = [known.jwk, rotated.jwk];
    const token = await issuer.sign(rotated);
    await settle(authenticator, [...strangers(200), token]);
    nowMs += 29_999;
    await settle(authenticator, [...strangers(200), token]);
    expect(issuer.keyFetches).toBe(1);
    nowMs += 1;
    const [principal] = await Promise.all([authenticator.bearer(token), settle(authenticator, strangers(200))]);
    expect(principal.subject).toBe('13');
    expect(issuer.keyFetches).toBe(2);
  });

  it.each(Object.entries(manners))('survive an issuer that answers %s', async (name, listener) => {
    const authenticator = subject(name === 'nothing' ? hangingMs : undefined);
    const good = await issuer.sign(known);
    await authenticator.bearer(good);
    issuer.manners = listener;
    nowMs += 700_000;
    for (let round = 1; round <= 3; round += 1) {
      const storm = settle(authenticator, strangers(100));
      await expect(authenticator.bearer(good)).resolves.toMatchObject({ subject: '13' });
      await storm;
      await settle(authenticator, strangers(100));
      expect(issuer.keyFetches).toBe(1 + round);
      nowMs += 30_000;
    }
    issuer.manners = undefined;
    issuer.keys = [rotated.jwk];
    await expect(authenticator.bearer(await issuer.sign(rotated))).resolves.toMatchObject({ subject: '13' });
    await expect(authenticator.bearer(good)).rejects.toMatchObject(refusal);
  });

  it('do not keep a good token waiting while a fetch hangs', async () => {
    const authenticator = subject(hangingMs);
    const good = await issuer.sign(known);
    await authenticator.bearer(good);
    let asked = () => {};
    const hanging = new Promise<void>((resolve) => (asked = resolve));
    issuer.manners = () => asked();
    nowMs += 700_000;
    let stormOver = false;
    const storm = settle(authenticator, strangers(10)).then(() => (stormOver = true));
    await hanging;
    await authenticator.bearer(good);
    expect(stormOver).toBe(false);
    await storm;
  });

  it('are kept while the issuer is down', async () => {
    const authenticator = subject();
    const good = await issuer.sign(known);
    await authenticator.bearer(good);
    await issuer.stop();
    nowMs += 300_000;
    await expect(authenticator.bearer(good)).resolves.toMatchObject({ subject: '13' });
    issuer = await new LoopbackIssuer().start();
  });

  it('are unavailable while none was ever had, and are there when the issuer comes', async () => {
    const port = Number(new URL(issuer.url).port);
    await issuer.stop();
    const authenticator = subject();
    await authenticator.warmUp();
    const token = await issuer.sign(known);
    expect(authenticator.check()).toEqual({ ok: false, reason: `no keys of ${issuer.url} yet` });
    await expect(authenticator.bearer(token)).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 5_000 });
    issuer = await new LoopbackIssuer().start(port);
    issuer.keys = [known.jwk];
    nowMs += 5_000;
    await expect(authenticator.bearer(token)).resolves.toMatchObject({ subject: '13' });
    expect(authenticator.check()).toEqual({ ok: true });
  });

  it.each(['a 500', 'nothing'])('are asked for once per cooldown by an issuer that first answers %s', async (name) => {
    issuer.manners = manners[name];
    const authenticator = subject(hangingMs);
    const token = await issuer.sign(known);
    for (let index = 0; index < 5; index += 1) {
      await expect(authenticator.bearer(token)).rejects.toMatchObject({ code: 'unavailable' });
      nowMs += 5_000;
    }
    expect(issuer.keyFetches).toBe(1);
  });

  it('are not taken from a discovery document of another issuer', async () => {
    const authenticator = new Authenticator({ issuer: `${issuer.url}/`, audience });
    await expect(authenticator.bearer(await issuer.sign(known))).rejects.toMatchObject({ code: 'unavailable' });
    expect(issuer.keyFetches).toBe(0);
  });
});
