import { Controller, Get, Module } from '@nestjs/common';
import { AuthModule, Caller, Require, type AuthModuleOptions, type Principal } from '@tidegate/auth';
import { createHttpApp, type HttpApp } from '@tidegate/http';
import { freePorts, type LocalServer } from '@tidegate/infra';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { startApp } from './support/app-process';
import { selfSigned } from './support/certificate';
import { ForgedTokens } from './support/forged-tokens';
import { rawRequest } from './support/raw-http';

@Controller()
@Require()
class WhoController {
  @Get('who') who(@Caller() { subject, tenant, roles, method }: Principal): object {
    return { subject, tenant, roles, method };
  }
}

const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-mtls-'));
const file = (name: string, text: string): string => {
  writeFileSync(path.join(directory, name), text, { mode: 0o600 });
  return path.join(directory, name);
};
const server = selfSigned();
const partner = selfSigned('partner');
const guest = selfSigned('guest');
const stranger = selfSigned('stranger');
const thumbprint = ({ certificate }: typeof partner): string =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
const issuer = new ForgedTokens();
const apps: HttpApp[] = [];
let direct: number;
let behind: number;

/** One way to the app: TLS of its own, or plain behind a hop. */
async function open(options: Partial<AuthModuleOptions>, tls = false): Promise<number> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const certificates = [{ id: thumbprint(partner), scopes: ['transactions:read'], expiresAt }];
  const clients = { 'partner-north': { tenant: 'north', roles: ['partner'], keys: [], certificates } };
  const apiKeys = { file: file('clients.json', JSON.stringify({ clients })), pepper: 'p'.repeat(32) };
  @Module({
    imports: [AuthModule.forRoot({ issuer: issuer.url, audience: 'tidegate', apiKeys, ...options })],
    controllers: [WhoController],
  })
  class App {}
  const logger = createLogger({ service: 'test', level: 'silent' });
  const files = {
    certificateFile: file('server.pem', server.certificate),
    keyFile: file('server.key', server.key),
    // Both are trusted; one of them is known.
    clientAuthoritiesFile: file('ca.pem', partner.certificate + guest.certificate),
  };
  const app = await createHttpApp(App, { logger, registry: createRegistry(), ...(tls && { tls: files }) });
  await app.listen(0, '127.0.0.1');
  apps.push(app);
  return (app.getHttpServer().address() as AddressInfo).port;
}

interface Answer {
  status: number;
  body: { subject?: string; method?: string; roles?: string[]; tenant?: string };
}

interface Asked {
  port: number;
  target: string;
  client?: typeof partner | undefined;
  headers?: Record<string, string>;
}

const who = (client?: typeof partner, headers: Record<string, string> = {}): Promise<Answer> =>
  get({ port: direct, target: '/who', client, headers });

async function get({ port, target, client, headers = {} }: Asked): Promise<Answer> {
  const shown = client && { cert: client.certificate, key: client.key };
  const options = { host: '127.0.0.1', port, path: target, ca: server.certificate, servername: 'localhost' };
  const sent = request({ ...options, ...shown, headers, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

beforeAll(async () => {
  await issuer.start();
  direct = await open({ certificates: { hops: [] } }, true);
  behind = await open({ certificates: { hops: ['127.0.0.1'], header: 'client-cert' } });
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await issuer.stop();
  rmSync(directory, { recursive: true });
});

describe('a client certificate on the connection', () => {
  it('stands for its client', async () => {
    expect(await who(partner)).toEqual({
      status: 200,
      body: { subject: 'partner-north', tenant: 'north', roles: ['partner'], method: 'certificate' },
    });
  });

  it('stands for nobody when it is not known, of no authority of ours, or not there', async () => {
    const statuses = await Promise.all([who(guest), who(stranger), who()].map(async (answer) => (await answer).status));
    expect(statuses).toEqual([401, 401, 401]);
  });

  it('lets a token through that is bound to it, and not one that is bound to another', async () => {
    const cnf = { 'x5t#S256': thumbprint(guest) };
    const bound = bearer(await issuer.signed({ cnf }));
    expect(await who(guest, bound)).toMatchObject({ status: 200, body: { subject: '13', method: 'bearer' } });
    expect((await who(partner, bound)).status).toBe(401);
    expect((await who(undefined, bound)).status).toBe(401);
    expect((await who(stranger, bound)).status).toBe(401);
    const free = bearer(await issuer.signed());
    expect(await who(undefined, free)).toMatchObject({ status: 200, body: { subject: '13' } });
  });

  it('is not read from headers that the client wrote', async () => {
    const der = new X509Certificate(partner.certificate).raw.toString('base64');
    const hash = Buffer.from(thumbprint(partner), 'base64url').toString('hex');
    const forged = { 'client-cert': `:${der}:`, 'x-forwarded-client-cert': `Hash=${hash}` };
    expect((await who(undefined, forged)).status).toBe(401);
    expect((await who(guest, forged)).status).toBe(401);
  });
});

describe('the partner app with TLS of its own', () => {
  let app: LocalServer;
  let port: number;

  beforeAll(async () => {
    const [own = 0, opsPort = 0] = await freePorts(2);
    port = own;
    const secret = randomBytes(32).toString('base64url');
    app = await startApp({
      ...{ app: 'partner', replica: 'partner-tls', opsPort, until: 'open' },
      env: {
        ...{ PARTNER_PORT: String(port), PARTNER_OPS_PORT: String(opsPort), PARTNER_CLIENT_SECRET: 'x' },
        ...{ CATALOG_DIR: path.resolve(__dirname, '../catalog'), CURSOR_KEYS: secret, ISSUER_URL: issuer.url },
        ...{ KAFKA_BROKERS: '127.0.0.1:1', AUDIT_FLUSH_MS: '0', LOG_LEVEL: 'fatal' },
        ...{ API_KEYS_FILE: path.join(directory, 'clients.json'), API_KEYS_PEPPER: secret },
        TLS_CERT_FILE: path.join(directory, 'server.pem'),
        TLS_KEY_FILE: path.join(directory, 'server.key'),
        TLS_CLIENT_CA_FILE: path.join(directory, 'ca.pem'),
      },
    });
  }, 60_000);
  afterAll(() => app?.kill());

  const upgrade = async (client?: typeof partner): Promise<string> => {
    const shown = client && { cert: client.certificate, key: client.key };
    const options = { ca: server.certificate, servername: 'localhost', ...shown };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/streams`, ['tidegate.v1'], options);
    const said = new Promise<string>((resolve) => {
      socket.on('message', (data: Buffer) => resolve((JSON.parse(data.toString()) as { t: string }).t));
      socket.on('error', ({ message }) => resolve(message));
    });
    await said;
    socket.terminate();
    return said;
  };

  it('takes a certificate at REST, SSE and WebSocket, and nobody without', async () => {
    const query = '?limit=0';
    const targets = [
      `/v1/transactions${query}`,
      `/streams/transactions${query}`,
      `/streams/transactions/records${query}`,
    ];
    const place = { port, headers: { accept: 'text/event-stream' } };
    const statuses = async (client?: typeof partner): Promise<number[]> =>
      Promise.all(targets.map(async (target) => (await get({ ...place, target, client })).status));
    expect(await statuses(partner)).toEqual([400, 400, 400]);
    expect(await statuses(guest)).toEqual([401, 401, 401]);
    expect(await statuses()).toEqual([401, 401, 401]);
    expect(await upgrade(partner)).toBe('hello');
    expect(await upgrade(guest)).toContain('401');
    expect(await upgrade()).toContain('401');
  });
});

describe('a client certificate that a hop says', () => {
  const der = new X509Certificate(partner.certificate).raw.toString('base64');

  it('stands for its client', async () => {
    const { status, body } = await rawRequest(behind, '/who', [`Client-Cert: :${der}:`]);
    expect([status, JSON.parse(body)]).toMatchObject([200, { subject: 'partner-north', method: 'certificate' }]);
  });

  it('is refused twice, and under the name that this hop does not know', async () => {
    const hash = Buffer.from(thumbprint(partner), 'base64url').toString('hex');
    const tries = [
      [`Client-Cert: :${der}:`, `client-cert: :${der}:`],
      [`Client-Cert: :${der}:, :${der}:`],
      [`X-Forwarded-Client-Cert: Hash=${hash}`],
      ['Client-Cert: :MIIB:'],
    ];
    const statuses = await Promise.all(
      tries.map(async (headers) => (await rawRequest(behind, '/who', headers)).status),
    );
    expect(statuses).toEqual([401, 401, 401, 401]);
  });
});
