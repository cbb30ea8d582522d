import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An issuer whose keys the app fetches; those who measure sign with its private one. */
export class BenchIssuer {
  readonly url: string;
  readonly privateKey: JWK;
  private readonly server: Server;

  private constructor(server: Server, url: string, privateKey: JWK) {
    this.server = server;
    this.url = url;
    this.privateKey = privateKey;
  }

  static async start(): Promise<BenchIssuer> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }];
    const server = createServer((request, response) => {
      const answer = request.url === '/jwks' ? { keys } : { issuer: url, jwks_uri: `${url}/jwks` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new BenchIssuer(server, url, await exportJWK(privateKey));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
