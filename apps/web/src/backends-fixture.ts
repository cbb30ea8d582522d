import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers JSON. */
export function json(body: unknown, status = 200): RequestListener {
  return (_req, res) => void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The issuer and the three services for specs, on one loopback server whose answers a test can swap. */
export class Backends {
  url = '';
  /** Paths that were asked for, with their queries. */
  readonly asked: string[] = [];
  private answers = new Map<string, RequestListener>();
  private fixed: [string, RequestListener][] = [];
  private privateKey!: CryptoKey;
  private readonly server: Server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', this.url);
    this.asked.push(req.url ?? '');
    (this.answers.get(pathname) ?? json({}, 404))(req, res);
  });

  constructor(private readonly usual: Readonly<Record<string, RequestListener>>) {}

  async start(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    this.privateKey = privateKey;
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    const metadata = { issuer: this.url, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/jwks` };
    this.fixed = [
      ['/.well-known/openid-configuration', json(metadata)],
      ['/jwks', json({ keys: [jwk] })],
      ['/token', json({ access_token: 'service-token', expires_in: 600, token_type: 'Bearer' })],
    ];
    this.reset();
  }

  reset(): void {
    this.asked.length = 0;
    this.answers = new Map([...this.fixed, ...Object.entries(this.usual)]);
  }

  on(pathname: string, answer: RequestListener): void {
    this.answers.set(pathname, answer);
  }

  token(claims: object, subject = 'somebody'): Promise<string> {
    return new SignJWT({ tenant: 'north', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(this.url)
      .setAudience('tidegate')
      .setSubject(subject)
      .setExpirationTime('5m')
      .sign(this.privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }
}
