import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type CryptoKey,
  type JWK,
} from 'jose';
import { createHash } from 'node:crypto';
import { Authenticator, type Holder } from './authenticator';
import { DpopProofs } from './dpop-proofs';
import { audience, LoopbackIssuer, signingKey, type SigningKey } from './loopback-issuer';
import { LocalProofMemory, RedisProofMemory, type ProofMemory } from './proof-memory';

const url = 'https://partner.example';
const refusal = { code: 'unauthenticated', message: 'A valid access token is needed.' };

let issuer: LoopbackIssuer;
let key: SigningKey;
let own: { jwk: JWK; privateKey: CryptoKey; thumbprint: string };
let bound: string;
let nowMs: number;

async function holderKey(): Promise<typeof own> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { jwk, privateKey, thumbprint: await calculateJwkThumbprint(jwk) };
}

beforeAll(async () => {
  issuer = await new LoopbackIssuer().start();
  [key, own] = await Promise.all([signingKey('ES256', 'k'), holderKey()]);
  issuer.keys = [key.jwk];
  bound = await issuer.sign(key, { cnf: { jkt: own.thumbprint } });
});
beforeEach(() => (nowMs = Date.now()));
afterAll(() => issuer.stop());

function authenticator(memory: ProofMemory = new LocalProofMemory(), urls = [url]): Authenticator {
  const proofs = new DpopProofs({ urls }, memory, () => nowMs);
  return new Authenticator({ issuer: issuer.url, audience }, { proofs, now: () => nowMs });
}

let proofNumber = 0;

interface Changes {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  by?: CryptoKey;
}

function proof({ claims, header, by = own.privateKey }: Changes = {}, token = bound): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url');
  const right = {
    jti: `proof-${(proofNumber += 1)}`,
    htm: 'GET',
    htu: `${url}/v1/transactions`,
    iat: Math.floor(nowMs / 1_000),
    ath,
  };
  const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: own.jwk, ...header };
  return new SignJWT({ ...right, ...claims }).setProtectedHeader(head).sign(by);
}

const shown = (...texts: string[]): Holder => ({ proof: { texts, method: 'GET', url: '/v1/transactions?limit=2' } });

describe('a token that is bound to a DPoP key', () => {
  it('is taken with a proof for the request, each time with another', async () => {
    const subject = authenticator();
    for (let use = 0; use < 2; use += 1) {
      await expect(subject.bearer(bound, shown(await proof()))).resolves.toMatchObject({ subject: '13' });
    }
  });

  it('is refused without a proof, as Bearer, and where no proof can be checked', async () => {
    await expect(authenticator().bearer(bound)).rejects.toMatchObject(refusal);
    await expect(authenticator().bearer(bound, shown())).rejects.toMatchObject(refusal);
    const without = new Authenticator({ issuer: issuer.url, audience });
    await expect(without.bearer(bound, shown(await proof()))).rejects.toMatchObject(refusal);
  });

  it('is taken of whoever proved the key before on the same connection, and of nobody with another key', async () => {
    await expect(authenticator().bearer(bound, { proven: { key: own.thumbprint } })).resolves.toBeDefined();
    await expect(authenticator().bearer(bound, { proven: { key: 'x' } })).rejects.toMatchObject(refusal);
    await expect(authenticator().bearer(bound, { proven: {} })).rejects.toMatchObject(refusal);
  });

  const wrong: [string, () => Promise<Holder> | Holder][] = [
    [
      'of another key',
      async () => {
        const other = await holderKey();
        return shown(await proof({ header: { jwk: other.jwk }, by: other.privateKey }));
      },
    ],
    ['that another key signed', async () => shown(await proof({ by: (await holderKey()).privateKey }))],
    ['for another method', async () => shown(await proof({ claims: { htm: 'POST' } }))],
    ['for another path', async () => shown(await proof({ claims: { htu: `${url}/v1/other` } }))],
    ['for another host', async () => shown(await proof({ claims: { htu: 'https://evil.example/v1/transactions' } }))],
    [
      'for another scheme',
      async () => shown(await proof({ claims: { htu: 'http://partner.example/v1/transactions' } })),
    ],
    ['for another token', async () => shown(await proof({}, 'another'))],
    ['for no token', async () => shown(await proof({ claims: { ath: undefined } }))],
    ['that is too old', async () => shown(await proof({ claims: { iat: nowMs / 1_000 - 91 } }))],
    ['of the future', async () => shown(await proof({ claims: { iat: nowMs / 1_000 + 31 } }))],
    ['without a time', async () => shown(await proof({ claims: { iat: undefined } }))],
    ['without an id', async () => shown(await proof({ claims: { jti: undefined } }))],
    ['with an endless id', async () => shown(await proof({ claims: { jti: 'x'.repeat(257) } }))],
    ['of another type', async () => shown(await proof({ header: { typ: 'JWT' } }))],
    ['with a private key in it', async () => shown(await proof({ header: { jwk: await exportJWK(own.privateKey) } }))],
    ['with a symmetric key', async () => shown(await proof({ header: { jwk: { kty: 'oct', k: 'AAAA' } } }))],
    ['without a signature', () => shown(new UnsecuredJWT({}).encode())],
    ['that is no JWT', () => shown('x')],
    ['twice', async () => shown(await proof(), await proof())],
    ['that is too long', async () => shown(await proof({ claims: { more: 'x'.repeat(4_096) } }))],
  ];

  it.each(wrong)('is refused with a proof %s', async (_what, holder) => {
    await expect(authenticator().bearer(bound, await holder())).rejects.toMatchObject(refusal);
  });

  it('is refused with a proof that was seen before, on any replica that shares the memory', async () => {
    const memory = new LocalProofMemory({ now: () => nowMs });
    const text = await proof();
    await authenticator(memory).bearer(bound, shown(text));
    await expect(authenticator(memory).bearer(bound, shown(text))).rejects.toMatchObject(refusal);
    nowMs += 80_000;
    await expect(authenticator(memory).bearer(bound, shown(text))).rejects.toMatchObject(refusal);
  });

  it('takes a proof within its time and for a WebSocket by either name', async () => {
    await expect(
      authenticator().bearer(bound, shown(await proof({ claims: { iat: nowMs / 1_000 - 89 } }))),
    ).resolves.toBeDefined();
    await expect(
      authenticator().bearer(bound, shown(await proof({ claims: { htu: 'wss://partner.example/v1/transactions#x' } }))),
    ).resolves.toBeDefined();
  });

  it('finds the base path that a proxy takes away', async () => {
    const behind = authenticator(undefined, [`${url}/api/`]);
    const htu = `${url}/api/v1/transactions`;
    await expect(behind.bearer(bound, shown(await proof({ claims: { htu } })))).resolves.toBeDefined();
    await expect(behind.bearer(bound, shown(await proof()))).rejects.toMatchObject(refusal);
  });
});

describe('a token that is bound to nothing', () => {
  it('is refused with the scheme DPoP', async () => {
    const token = await issuer.sign(key);
    await expect(authenticator().bearer(token, shown(await proof({}, token)))).rejects.toMatchObject(refusal);
  });
});

describe('a token that is bound in a way nobody here can check', () => {
  it.each([[{}], [{ kid: 'k' }], [{ jkt: 'short' }], [{ jkt: 'a'.repeat(43), jku: 'https://x' }], ['x'], [null]])(
    'is refused: %j',
    async (cnf) => {
      await expect(authenticator().bearer(await issuer.sign(key, { cnf }))).rejects.toMatchObject(refusal);
    },
  );
});

describe('a memory of proofs', () => {
  it('takes no more than it can remember, until the oldest end', async () => {
    const memory = new LocalProofMemory({ most: 2, now: () => nowMs });
    await expect(Promise.all(['a', 'b'].map((id) => memory.isFirst(id, 1_000)))).resolves.toEqual([true, true]);
    await expect(memory.isFirst('a', 1_000)).resolves.toBe(false);
    await expect(memory.isFirst('c', 1_000)).rejects.toMatchObject({ code: 'unavailable' });
    nowMs += 1_000;
    await expect(memory.isFirst('c', 1_000)).resolves.toBe(true);
  });

  it('closes while Redis is away', async () => {
    const set = () => Promise.reject(new Error('Connection is closed.'));
    const subject = authenticator(new RedisProofMemory({ set }));
    await expect(subject.bearer(bound, shown(await proof()))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
