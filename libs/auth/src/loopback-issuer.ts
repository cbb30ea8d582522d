import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import type { webcrypto } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export const audience = 'tidegate';

export interface SigningKey {
  alg: string;
  jwk: JWK;
  privateKey: webcrypto.CryptoKey;
}

export async function signingKey(alg: string, kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A token issuer for specs: its key set and its manners can be changed while it runs, and it counts what it is asked. */
export class LoopbackIssuer {
  keys: JWK[] = [];
  /** How the key set is answered instead of by `keys`. */
  manners: RequestListener | undefined;
  readonly asked: string[] = [];
  url = '';
  private readonly server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` }));
    } else if (this.manners !== undefined) this.manners(request, response);
    else response.end(JSON.stringify({ keys: this.keys }));
  });

  get keyFetches(): number {
    return this.asked.filter((path) => path === '/jwks').length;
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  /** A token that is right in everything but what is overridden; `undefined` leaves a claim out. */
  sign(key: SigningKey, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const payload = {
      iss: this.url,
      aud: audience,
      sub: '13',
      exp: now + 86_400,
      tenant: 'north',
      roles: ['customer'],
    };
    return new SignJWT({ ...payload, ...claims })
      .setProtectedHeader({ alg: key.alg, ...(key.jwk.kid !== undefined && { kid: key.jwk.kid }), ...header })
      .sign(key.privateKey);
  }
}
