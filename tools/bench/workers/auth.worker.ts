// What it costs to know who is calling: tokens that are known, API keys, DPoP proofs; and jose verifying every token.
import {
  ApiKeys,
  Authenticator,
  callerOf,
  DpopProofs,
  generateApiKey,
  hashApiKey,
  LocalProofMemory,
  parseApiKey,
} from '@tidegate/auth';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { doJob, type Report } from './job';
import { quantile } from './stopwatch';

interface AuthJob {
  /** Tokens in turn, so that no cache of the processor holds only one. */
  callers: number;
  calls: number;
}

interface Signer {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

type Request = Parameters<typeof callerOf>[0];

const url = 'https://partner.example';
const audience = 'tidegate';
const pepper = 'p'.repeat(32);
const request = (...rawHeaders: string[]): Request => ({ method: 'GET', url: '/v1/transactions', rawHeaders });

async function signer(): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { publicKey, privateKey, jwk: await exportJWK(publicKey) };
}

/** Microseconds of a call, over all of them; the first half warms up. */
async function timed(calls: number, work: (call: number) => Promise<unknown>): Promise<number> {
  const runs: number[] = [];
  for (let run = 0; run < 6; run += 1) {
    const startedAt = performance.now();
    for (let call = 0; call < calls; call += 1) await work(call);
    runs.push(((performance.now() - startedAt) * 1_000) / calls);
  }
  return quantile(runs.slice(3), 0.5);
}

async function issuerOf({ jwk }: Signer): Promise<string> {
  const keys = [{ ...jwk, kid: 'k1', alg: 'ES256', use: 'sig' }];
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tokensOf(issuer: string, { privateKey }: Signer, count: number, claims: object = {}): Promise<string[]> {
  const sign = (index: number) =>
    new SignJWT({ tenant: 'north', roles: ['partner'], ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(`caller-${index}`)
      .setExpirationTime('1h')
      .sign(privateKey);
  return Promise.all(Array.from({ length: count }, (_, index) => sign(index)));
}

function keyFile(): { key: string; file: string; directory: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-bench-'));
  const key = generateApiKey('test');
  const parsed = parseApiKey(key);
  if (parsed === undefined) throw new Error('no key');
  const hash = hashApiKey(parsed, pepper).toString('base64url');
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const keys = [{ id: parsed.id, hash, scopes: ['transactions:read'], expiresAt }];
  const file = path.join(directory, 'keys.json');
  writeFileSync(file, JSON.stringify({ clients: { partner: { tenant: 'north', roles: ['partner'], keys } } }));
  return { key, file, directory };
}

async function proofs({ privateKey, jwk }: Signer, token: string, count: number): Promise<Request[]> {
  const ath = createHash('sha256').update(token).digest('base64url');
  const sign = (index: number) =>
    new SignJWT({ jti: `${index}`, htm: 'GET', htu: `${url}/v1/transactions`, ath })
      .setIssuedAt()
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey);
  const texts = await Promise.all(Array.from({ length: count }, (_, index) => sign(index)));
  return texts.map((text) => request('Authorization', `DPoP ${token}`, 'DPoP', text));
}

async function measure({ callers, calls }: AuthJob): Promise<Report> {
  const [issuer, holder] = await Promise.all([signer(), signer()]);
  const issuerUrl = await issuerOf(issuer);
  const { key, file, directory } = keyFile();
  const apiKeys = new ApiKeys({ file, pepper, environment: 'test' });
  const authenticator = new Authenticator(
    { issuer: issuerUrl, audience, jwksUri: issuerUrl, verifiedTtlMs: 3_600_000 },
    { apiKeys, proofs: new DpopProofs({ urls: [url], maxAgeSeconds: 300 }, new LocalProofMemory()) },
  );
  const tokens = await tokensOf(issuerUrl, issuer, callers);
  const requests = tokens.map((token) => request('Host', 'x', 'Accept', '*/*', 'Authorization', `Bearer ${token}`));
  const keyed = request('Host', 'x', 'Accept', '*/*', 'X-API-Key', key);
  const of = <T>(all: T[], call: number): T => all[call % all.length] as T;
  const few = Math.ceil(calls / 100);
  const [bound = ''] = await tokensOf(issuerUrl, issuer, 1, { cnf: { jkt: await calculateJwkThumbprint(holder.jwk) } });
  // Each is good once.
  const proven = await proofs(holder, bound, 6 * few);
  let next = 0;
  const report = {
    known: await timed(calls, (call) => callerOf(of(requests, call), authenticator)),
    apiKey: await timed(calls, () => callerOf(keyed, authenticator)),
    proof: await timed(few, () => callerOf(proven[next++] as Request, authenticator)),
    verified: await timed(few, (call) =>
      jwtVerify(of(tokens, call), issuer.publicKey, { audience, issuer: issuerUrl }),
    ),
  };
  rmSync(directory, { recursive: true });
  return report;
}

void doJob(measure);
