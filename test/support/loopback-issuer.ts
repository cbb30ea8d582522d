import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token issuer in the test's own process, for tests that need no demo services. */
export class LoopbackIssuer {
  private constructor(
    private readonly server: Server,
    private readonly privateKey: CryptoKey,
    readonly url: string,
  ) {}

  static async start(): Promise<LoopbackIssuer> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }];
    const server = createServer((req, res) => {
      const metadata = { issuer: url, jwks_uri: `${url}/jwks`, token_endpoint: `${url}/token` };
      res.setHeader('content-type', 'application/json').end(JSON.stringify(req.url === '/jwks' ? { keys } : metadata));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new LoopbackIssuer(server, privateKey, url);
  }

  token(role: string, tenant: string, subject = `${role}-${tenant}`, lifetime = '1h'): Promise<string> {
    return new SignJWT({ tenant, roles: [role] })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(this.url)
      .setAudience('tidegate')
      .setSubject(subject)
      .setExpirationTime(lifetime)
      .sign(this.privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }
}
