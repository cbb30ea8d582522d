import fc from 'fast-check';
import { createHmac, createPublicKey, createSign, KeyObject } from 'node:crypto';
import { Authenticator, type AuthenticatorOptions } from './authenticator';
import { audience, LoopbackIssuer, signingKey, type SigningKey } from './loopback-issuer';

let issuer: LoopbackIssuer;
let ec: SigningKey;
let rsa: SigningKey;
let attacker: SigningKey;

beforeAll(async () => {
  [ec, rsa, attacker] = await Promise.all([
    signingKey('ES256', 'ec-1'),
    signingKey('RS256', 'rsa-1'),
    signingKey('RS256', 'rsa-1'),
  ]);
});
beforeEach(async () => {
  issuer = await new LoopbackIssuer().start();
  issuer.keys = [ec.jwk, rsa.jwk];
});
afterEach(() => issuer.stop());

function authenticator(options: Partial<AuthenticatorOptions> = {}, now?: () => number): Authenticator {
  return new Authenticator({ issuer: issuer.url, audience, ...options }, now === undefined ? {} : { now });
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({ iss: issuer.url, aud: audience, sub: '13', exp: Math.floor(Date.now() / 1_000) + 600 });
const refusal = { code: 'unauthenticated', message: 'A valid access token is needed.', details: [] };

describe(Authenticator.name, () => {
  it('turns a good token into a frozen principal', async () => {
    const token = await issuer.sign(ec, { client_id: 'phone', exp: 4_102_444_800 });
    const principal = await authenticator().bearer(token);
    expect(principal).toMatchObject({
      subject: '13',
      tenant: 'north',
      roles: ['customer'],
      clientId: 'phone',
      expiresAtMs: 4_102_444_800_000,
      claims: { sub: '13', tenant: 'north' },
    });
    expect([principal, principal.roles, principal.claims].every(Object.isFrozen)).toBe(true);
  });

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('takes %s', async (alg) => {
    const key = await signingKey(alg, 'k');
    issuer.keys = [key.jwk];
    await expect(authenticator().bearer(await issuer.sign(key))).resolves.toMatchObject({ subject: '13' });
  });

  it('takes what stands for an access token, and a list of audiences with ours in it', async () => {
    const subject = authenticator();
    for (const typ of ['JWT', 'at+jwt', 'application/at+jwt']) {
      await expect(subject.bearer(await issuer.sign(ec, {}, { typ }))).resolves.toBeDefined();
    }
    await expect(subject.bearer(await issuer.sign(ec, { aud: ['other', audience] }))).resolves.toBeDefined();
  });

  it('takes the key set from the URI it is given, without discovery', async () => {
    await authenticator({ jwksUri: `${issuer.url}/jwks` }).bearer(await issuer.sign(ec));
    expect(issuer.asked).toEqual(['/jwks']);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another issuer', { iss: 'http://127.0.0.1:1' }],
    ['without issuer', { iss: undefined }],
    ['for another audience', { aud: 'other' }],
    ['without audience', { aud: undefined }],
    ['without end', { exp: undefined }],
    ['with an end that is no number', { exp: '4102444800' }],
    ['with an end beyond all dates', { exp: 1e300 }],
    ['not valid yet', { nbf: 4_102_444_800 }],
    ['without subject', { sub: undefined }],
    ['with an empty subject', { sub: '' }],
    ['with a subject that is no string', { sub: 13 }],
    ['with a tenant that is no string', { tenant: ['north'] }],
    ['with a tenant that is null', { tenant: null }],
    ['with roles that are no list', { roles: 'operator' }],
    ['with a role that is no string', { roles: [{ name: 'operator' }] }],
  ])('refuses a token %s', async (_what, wrong) => {
    await expect(authenticator().bearer(await issuer.sign(ec, wrong))).rejects.toMatchObject(refusal);
  });

  it('takes a token without tenant and roles as one that has none', async () => {
    const token = await issuer.sign(ec, { tenant: undefined, roles: undefined });
    await expect(authenticator().bearer(token)).resolves.toMatchObject({ tenant: undefined, roles: [] });
  });

  it('allows for 30 seconds of skew and not one more', async () => {
    const subject = authenticator();
    const now = Math.floor(Date.now() / 1_000);
    await expect(subject.bearer(await issuer.sign(ec, { exp: now - 28 }))).resolves.toBeDefined();
    await expect(subject.bearer(await issuer.sign(ec, { exp: now - 32 }))).rejects.toMatchObject(refusal);
    await expect(subject.bearer(await issuer.sign(ec, { nbf: now + 28 }))).resolves.toBeDefined();
    await expect(subject.bearer(await issuer.sign(ec, { nbf: now + 32 }))).rejects.toMatchObject(refusal);
  });

  it('reads a token up to its cap and none beyond', async () => {
    const token = await issuer.sign(ec);
    await expect(authenticator({ maxTokenBytes: token.length }).bearer(token)).resolves.toBeDefined();
    await expect(authenticator({ maxTokenBytes: token.length - 1 }).bearer(token)).rejects.toMatchObject(refusal);
  });

  it('refuses any other text without an outbound request', async () => {
    const subject = authenticator();
    const part = fc.stringMatching(/^[\w-]{0,40}$/);
    const text = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
    );
    await fc.assert(fc.asyncProperty(text, (token) => expect(subject.bearer(token)).rejects.toMatchObject(refusal)));
    expect(issuer.asked).toEqual([]);
  });
});

describe('a token that picks its own key or algorithm', () => {
  const rsaPublic = () => createPublicKey({ key: rsa.jwk, format: 'jwk' });
  const pem = () => rsaPublic().export({ type: 'spki', format: 'pem' });
  const der = () => rsaPublic().export({ type: 'spki', format: 'der' });

  function hmac(secret: string | Buffer, header: Record<string, unknown>): string {
    const input = `${encode(header)}.${encode(claims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }
  function forged(header: Record<string, unknown>): string {
    const input = `${encode({ alg: 'RS256', kid: 'rsa-1', ...header })}.${encode(claims())}`;
    return `${input}.${createSign('sha256').update(input).sign(KeyObject.from(attacker.privateKey)).toString('base64url')}`;
  }

  const table: [string, () => string][] = [
    ['HS256 with the public key as PEM', () => hmac(pem(), { alg: 'HS256', kid: 'rsa-1' })],
    ['HS256 with the public key as DER', () => hmac(der(), { alg: 'HS256', kid: 'rsa-1' })],
    ['RS256 in name, HMAC in fact', () => hmac(pem(), { alg: 'RS256', kid: 'rsa-1' })],
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(claims())}.`],
    ['alg nOnE', () => `${encode({ alg: 'nOnE', kid: 'rsa-1' })}.${encode(claims())}.AAAA`],
    ['no alg', () => `${encode({ kid: 'rsa-1' })}.${encode(claims())}.AAAA`],
    ['an algorithm of another key type', () => forged({ alg: 'ES256' })],
    ['its own jwk', () => forged({ jwk: attacker.jwk })],
    ['a jku', () => forged({ jku: `${issuer.url}/evil` })],
    ['an x5u', () => forged({ x5u: `${issuer.url}/evil` })],
    ['an x5c', () => forged({ x5c: ['MIIB'] })],
    ['a foreign signature', () => forged({})],
    ['a path as kid', () => forged({ kid: '../../dev/null' })],
    ['an object as kid', () => forged({ kid: { $ne: '' } })],
    ['a null kid', () => forged({ kid: null })],
    ['an empty kid', () => forged({ kid: '' })],
    ['a kid of 10 kB', () => forged({ kid: 'k'.repeat(10_000) })],
    ['an unknown crit', () => forged({ crit: ['x'], x: 1 })],
    ['b64 false', () => forged({ crit: ['b64'], b64: false })],
    ['another type', () => forged({ typ: 'logout+jwt' })],
    ['no dots', () => 'e30'],
    ['one dot', () => `${encode({ alg: 'RS256' })}.${encode(claims())}`],
    ['five parts', () => `${forged({})}.a.b`],
    ['nothing', () => ''],
  ];

  it.each(table)('is refused: %s', async (_what, token) => {
    const subject = authenticator();
    await expect(subject.bearer(token())).rejects.toMatchObject(refusal);
    expect(issuer.asked).not.toContain('/evil');
  });

  it('is refused even with a good signature, when it brings a key along', async () => {
    const subject = authenticator();
    for (const header of [
      { jwk: rsa.jwk },
      { jku: `${issuer.url}/evil` },
      { x5u: 'http://127.0.0.1/' },
      { x5c: ['MII'] },
    ]) {
      await expect(subject.bearer(await issuer.sign(rsa, {}, header))).rejects.toMatchObject(refusal);
    }
    expect(issuer.asked).toEqual([]);
  });

  it('finds no help in a symmetric key of the key set', async () => {
    issuer.keys = [{ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'oct-1', alg: 'HS256' }, rsa.jwk];
    await expect(authenticator().bearer(hmac('secret', { alg: 'HS256', kid: 'oct-1' }))).rejects.toMatchObject(refusal);
  });
});

describe('verified tokens', () => {
  it('are not verified again, and never outlive their end', async () => {
    let nowMs = Date.now();
    const subject = authenticator({ clockSkewSeconds: 0 }, () => nowMs);
    const token = await issuer.sign(ec, { exp: Math.floor(nowMs / 1_000) + 20 });
    const first = await subject.bearer(token);
    expect(await subject.bearer(token)).toBe(first);
    nowMs += 21_000;
    await expect(subject.bearer(token)).rejects.toMatchObject(refusal);
  });

  it('are verified again after their time in the cache', async () => {
    let nowMs = Date.now();
    const subject = authenticator({ verifiedTtlMs: 1_000 }, () => nowMs);
    const token = await issuer.sign(ec);
    const first = await subject.bearer(token);
    nowMs += 999;
    expect(await subject.bearer(token)).toBe(first);
    nowMs += 1;
    expect(await subject.bearer(token)).not.toBe(first);
  });

  it('make room for newer ones, the least recently used first', async () => {
    const subject = authenticator({ maxVerified: 2 });
    const [a, b, c] = await Promise.all(['1', '2', '3'].map((sub) => issuer.sign(ec, { sub })));
    const [first, second] = [await subject.bearer(a ?? ''), await subject.bearer(b ?? '')];
    expect(await subject.bearer(a ?? '')).toBe(first);
    await subject.bearer(c ?? '');
    expect(await subject.bearer(a ?? '')).toBe(first);
    expect(await subject.bearer(b ?? '')).not.toBe(second);
  });
});
