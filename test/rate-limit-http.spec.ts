import { Controller, Get, Module, Post } from '@nestjs/common';
import { AuthModule, Public, Require } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { createHttpApp, type HttpApp } from '@tidegate/http';
import { startRedis, type LocalStore as Server } from '@tidegate/infra';
import { Limits, RateLimitModule } from '@tidegate/ratelimit';
import { RedisModule } from '@tidegate/redis';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-limits-'));
const limitsFile = path.join(folder, 'limits.yaml');
writeFileSync(
  limitsFile,
  `limits:
  key: { per: subject, max: 1000, window: 1m }
  paced: { per: subject, rate: 2/s, burst: 2 }
  address: { per: ip, max: 2, window: 1m }
  write: { per: subject, max: 100, window: 1m, withoutRedis: refuse }
`,
);

@Controller()
@Require()
class Things {
  @Get('thing') thing(): object {
    return { ok: true };
  }
  @Get('paced') @Limits('paced', 'key') paced(): object {
    return { ok: true };
  }
  @Get('missing') missing(): never {
    throw new AppError('not_found', 'There is no such thing.');
  }
  @Get('anyone') @Public() @Limits('address') anyone(): object {
    return { ok: true };
  }
  @Post('write') @Limits('write') write(): object {
    return { ok: true };
  }
}

let server: Server;
let issuer: HttpServer;
let issuerUrl: string;
let privateKey: CryptoKey;
let apps: HttpApp[];
let urls: [one: string, two: string, hasty: string];

async function startIssuer(): Promise<void> {
  const pair = await generateKeyPair('ES256');
  ({ privateKey } = pair);
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }];
  issuer = createServer((req, res) => {
    const metadata = { issuer: issuerUrl, jwks_uri: `${issuerUrl}/jwks` };
    res.setHeader('content-type', 'application/json').end(JSON.stringify(req.url === '/jwks' ? { keys } : metadata));
  });
  await once(issuer.listen(0, '127.0.0.1'), 'listening');
  issuerUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
}

async function startReplica(options: { app: string; redisTimeoutMs?: number }): Promise<HttpApp> {
  @Module({
    imports: [
      AuthModule.forRoot({ issuer: issuerUrl, audience: 'tidegate' }),
      RedisModule.forRoot({ url: server.url }),
      RateLimitModule.forRoot({ limitsFile, defaults: ['key'], ...options }),
    ],
    controllers: [Things],
  })
  class App {}
  const logger = createLogger({ service: 'test', level: 'silent' });
  const app = await createHttpApp(App, { logger, registry: createRegistry() });
  await app.listen(0, '127.0.0.1');
  return app;
}

const tokenOf = (subject: string): Promise<string> =>
  new SignJWT({ tenant: 'north', roles: [] })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(issuerUrl)
    .setAudience('tidegate')
    .setSubject(subject)
    .setExpirationTime('10m')
    .sign(privateKey);

/** A caller, and the answers to its requests at either replica. */
async function caller(
  subject: string,
): Promise<(path: string, init?: RequestInit & { at?: 0 | 1 | 2 }) => Promise<Response>> {
  const authorization = `Bearer ${await tokenOf(subject)}`;
  return (target, { at = 0, headers = {}, ...init } = {}) =>
    fetch(urls[at] + target, { ...init, headers: { authorization, ...(headers as Record<string, string>) } });
}

beforeAll(async () => {
  server = await startRedis();
  await startIssuer();
  // A busy machine may answer late: where counts are compared, that is no reason to count elsewhere.
  const patient = { app: 'test', redisTimeoutMs: 5_000 };
  const [one, two, hasty] = [
    await startReplica(patient),
    await startReplica(patient),
    await startReplica({ app: 'hasty' }),
  ];
  apps = [one, two, hasty];
  urls = [await one.getUrl(), await two.getUrl(), await hasty.getUrl()];
  // Until they have their connection to Redis, they count alone.
  const ask = await caller('first');
  for (const at of [0, 1, 2] as const) {
    while ((await ask('/write', { method: 'POST', at })).status !== 201) await sleep(50);
  }
});

afterAll(async () => {
  for (const app of apps) await app.close();
  issuer.closeAllConnections();
  issuer.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a caller with 1,000 a minute', () => {
  it('gets 1,000 at once from both replicas together, and the next one refused', async () => {
    const ask = await caller('busy');
    const statuses: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => ask('/thing', { at: index % 2 === 0 ? 0 : 1 })),
      );
      for (const answer of answers) {
        statuses.push(answer.status);
        await answer.arrayBuffer();
      }
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(1_000);
    const refused = await ask('/thing', { at: 1 });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.headers.get('ratelimit-policy')).toBe('"key";q=1000;w=60');
    const retryAfter = refused.headers.get('retry-after') ?? '';
    expect(refused.headers.get('ratelimit')).toBe(`"key";r=0;t=${retryAfter}`);
    expect(retryAfter).toMatch(/^\d+$/);
    expect(Number(retryAfter)).toBeGreaterThan(0);
    expect(Number(retryAfter)).toBeLessThanOrEqual(61);
    expect(await refused.json()).toMatchObject({
      ...{ type: 'urn:tidegate:problem:rate_limited', status: 429, code: 'rate_limited' },
      detail: `The limit key is used up. Try again in ${retryAfter} s.`,
    });
    expect((await (await caller('other'))('/thing')).status).toBe(200);
  });

  it('is counted for answers that are errors too, and told so', async () => {
    const ask = await caller('lost');
    await ask('/missing');
    const second = await ask('/missing');
    expect(second.status).toBe(404);
    expect(second.headers.get('ratelimit')).toMatch(/^"key";r=998;t=\d+$/);
  });

  it('is not counted before it is known who it is', async () => {
    const ask = await caller('known');
    for (let count = 0; count < 5; count += 1) {
      const answer = await ask('/thing', { headers: { authorization: 'Bearer wrong' } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('ratelimit')).toBeNull();
    }
    expect((await ask('/thing')).headers.get('ratelimit')).toContain('r=999');
  });
});

it('a retry exactly after Retry-After is admitted, every time', async () => {
  const ask = await caller('patient');
  for (let round = 0; round < 3; round += 1) {
    let answer = await ask('/paced');
    while (answer.status === 200) answer = await ask('/paced', { at: 1 });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('ratelimit-policy')).toBe('"paced";q=2;w=1, "key";q=1000;w=60');
    const seconds = Number(answer.headers.get('retry-after'));
    expect(Number.isInteger(seconds) && seconds > 0).toBe(true);
    await sleep(seconds * 1_000);
    expect((await ask('/paced')).status).toBe(200);
  }
});

it('an address is counted once, whatever X-Forwarded-For and Forwarded say', async () => {
  const ask = (index: number): Promise<Response> => {
    const address = `203.0.113.${index}`;
    return fetch(`${urls[index % 2 === 0 ? 0 : 1]}/anyone`, {
      headers: { 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address },
    });
  };
  const statuses = [(await ask(1)).status, (await ask(2)).status, (await ask(3)).status];
  expect(statuses).toEqual([200, 200, 429]);
});

it('a Redis that hangs adds less than 100 ms to a request, and writes are refused meanwhile', async () => {
  const ask = await caller('unlucky');
  await ask('/thing', { at: 2 });
  await server.pause();
  const durations: number[] = [];
  for (let count = 0; count < 30; count += 1) {
    const startedAt = performance.now();
    expect((await ask('/thing', { at: 2 })).status).toBe(200);
    durations.push(performance.now() - startedAt);
  }
  const write = await ask('/write', { method: 'POST', at: 2 });
  // What was sent to Redis less than a second ago is counted there too.
  await sleep(1_200);
  await server.resume();
  // But for a moment in which the machine itself did nothing.
  expect(durations.filter((ms) => ms > 100).length).toBeLessThanOrEqual(1);
  expect(write.status).toBe(503);
  expect(Number(write.headers.get('retry-after'))).toBeGreaterThan(0);
  const deadline = Date.now() + 20_000;
  while ((await ask('/write', { method: 'POST', at: 2 })).status !== 201) {
    if (Date.now() > deadline) throw new Error('writes are still refused');
    await sleep(100);
  }
  expect((await ask('/thing', { at: 2 })).headers.get('ratelimit')).toContain('r=998');
});
