import { generateApiKey, hashApiKey, parseApiKey } from '@tidegate/auth';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig, type Config } from './config';

const pepper = 'a pepper of thirty-two characters';

/** The issuer and the accounts service on one loopback server, and a file of API keys. */
export class Backends {
  /** What the accounts service answers, by path. */
  readonly accounts = new Map<string, RequestListener>();
  readonly asked: string[] = [];
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'tidegate-partner-'));
  private readonly file = path.join(this.directory, 'api-keys.json');
  private readonly clients: Record<string, { tenant?: string; roles: string[]; keys: object[] }> = {};
  private readonly server: Server = createServer((request, response) => this.answer(request, response));
  private privateKey!: CryptoKey;
  private jwks = '';
  url = '';

  async start(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    this.privateKey = privateKey;
    this.jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] });
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
    rmSync(this.directory, { recursive: true });
  }

  account(accountId: string, tenantId: string, segment = 'retail'): void {
    const row = { accountId, customerId: '13', tenantId, segment, currency: 'USD', balance: 5 };
    this.accounts.set(`/accounts/${accountId}`, (_request, response) => response.end(JSON.stringify(row)));
  }

  /** A key in the file, which an app reads when it starts. */
  key(
    client: string,
    traits: { tenant?: string; roles?: string[]; scopes?: string[]; expiresInMs?: number } = {},
  ): string {
    const { tenant, roles = ['partner'], scopes = ['transactions:read', 'transactions:write'] } = traits;
    const text = generateApiKey('test');
    const parsed = parseApiKey(text);
    if (parsed === undefined) throw new Error('no key');
    const hash = hashApiKey(parsed, pepper).toString('base64url');
    const expiresAt = new Date(Date.now() + (traits.expiresInMs ?? 3_600_000)).toISOString();
    const entry = (this.clients[client] ??= { ...(tenant !== undefined && { tenant }), roles, keys: [] });
    entry.keys.push({ id: parsed.id, hash, scopes, expiresAt });
    writeFileSync(this.file, JSON.stringify({ clients: this.clients }));
    return text;
  }

  token(claims: object, subject: string): Promise<string> {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(this.url)
      .setAudience('tidegate')
      .setSubject(subject)
      .setExpirationTime('5m')
      .sign(this.privateKey);
  }

  /** Of a partner BFF without Redis and Kafka. */
  config(env: Record<string, string> = {}): Config {
    return readConfig({
      CATALOG_DIR: path.resolve(__dirname, '../../../catalog'),
      PARTNER_CATALOG_DIR: path.resolve(__dirname, '../catalog'),
      PARTNER_CLIENT_SECRET: 'x',
      ISSUER_URL: this.url,
      ACCOUNTS_URL: this.url,
      SERVICES_TIMEOUT_MS: '300',
      KAFKA_BROKERS: '127.0.0.1:1',
      PRODUCE_TIMEOUT_MS: '300',
      AUDIT_FLUSH_MS: '0',
      CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
      API_KEYS_FILE: this.file,
      API_KEYS_PEPPER: pepper,
      API_KEYS_ENVIRONMENT: 'test',
      ...env,
    });
  }

  private answer: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const { url } = this;
    const fixed: Record<string, object | string> = {
      '/.well-known/openid-configuration': { issuer: url, token_endpoint: `${url}/token`, jwks_uri: `${url}/jwks` },
      '/jwks': this.jwks,
      '/token': { access_token: 'service-token', expires_in: 600, token_type: 'Bearer' },
    };
    const known = fixed[pathname];
    if (known !== undefined) return void response.end(typeof known === 'string' ? known : JSON.stringify(known));
    this.asked.push(JSON.stringify([request.url, request.headers]));
    const account = this.accounts.get(pathname);
    if (account !== undefined) return account(request, response);
    response.writeHead(404).end('{}');
  };
}
