import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An issuer whose key an attacker knows as far as everybody does, and what the attacker makes of it. */
export class ForgedTokens {
  /** What was asked of the issuer. */
  readonly asked: string[] = [];
  url = '';
  private readonly server: Server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    const metadata = { issuer: this.url, jwks_uri: `${this.url}/jwks`, token_endpoint: `${this.url}/token` };
    const answer = request.url === '/jwks' ? { keys: [this.jwk] } : metadata;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  private jwk!: JWK;
  private pem!: string;
  private own!: CryptoKey;
  private attackers!: { privateKey: CryptoKey; jwk: JWK };

  async start(): Promise<void> {
    const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256', { extractable: true })]);
    this.own = own.privateKey;
    this.pem = await exportSPKI(own.publicKey);
    this.jwk = { ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
    this.attackers = { privateKey: other.privateKey, jwk: await exportJWK(other.publicKey) };
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  /** Right in everything but what is changed; `undefined` leaves a claim out. */
  signed(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = this.own): Promise<string> {
    return new SignJWT({ ...this.claims(), ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
      .sign(key);
  }

  /** Tokens that no door may take, by what is wrong with them. */
  async all(): Promise<[what: string, token: string][]> {
    const { attackers, pem, jwk, url } = this;
    const evil = `${url}/evil`;
    const forged = (header: Record<string, unknown>): Promise<string> => this.signed({}, header, attackers.privateKey);
    const now = Math.floor(Date.now() / 1_000);
    const made: Record<string, string | Promise<string>> = {
      'no algorithm': this.unsigned({ alg: 'none' }, ''),
      'no algorithm, in other letters': this.unsigned({ alg: 'nOnE', kid: 'k1' }, 'AAAA'),
      'HMAC with the public key': this.hmac({ alg: 'HS256', kid: 'k1' }, pem),
      'HMAC under the name of RS256': this.hmac({ alg: 'RS256', kid: 'k1' }, pem),
      'its own key': forged({ jwk: attackers.jwk }),
      'the address of a key set': forged({ jku: evil }),
      'the address of a certificate': forged({ x5u: evil }),
      'a certificate': forged({ x5c: ['MIIB'] }),
      'a good signature and a key along with it': this.signed({}, { jwk }),
      'a path for a key id': forged({ kid: '../../../../dev/null' }),
      'SQL for a key id': forged({ kid: "x' UNION SELECT 'k" }),
      'another signature': forged({}),
      'an unknown critical header': this.hmac({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }, pem),
      'another type': this.signed({}, { typ: 'logout+jwt' }),
      'another issuer': this.signed({ iss: 'https://evil.example' }),
      'another audience': this.signed({ aud: 'other' }),
      'no audience': this.signed({ aud: undefined }),
      'no end': this.signed({ exp: undefined }),
      'an end that is past': this.signed({ exp: now - 31 }),
      'a start to come': this.signed({ nbf: now + 600 }),
      'no subject': this.signed({ sub: undefined }),
      'a number for a subject': this.signed({ sub: 13 }),
      'roles as a text': this.signed({ roles: 'platform' }),
      'a tenant as a number': this.signed({ tenant: 5 }),
      'a tenant as a list': this.signed({ tenant: ['north'] }),
      'an empty tenant': this.signed({ tenant: '' }),
      'a bound key and no proof': this.signed({ cnf: { jkt: 'a'.repeat(43) } }),
      'a bound certificate that is not shown': this.signed({ cnf: { 'x5t#S256': 'a'.repeat(43) } }),
      'more than 8 KiB': this.signed({ more: 'x'.repeat(9_000) }),
      'no token at all': 'e30',
    };
    return Promise.all(
      Object.entries(made).map(async ([what, token]): Promise<[string, string]> => [what, await token]),
    );
  }

  private claims(): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1_000);
    const who = { sub: '13', tenant: 'north', roles: ['customer', 'support', 'partner', 'operator', 'platform'] };
    return { iss: this.url, aud: 'tidegate', iat: now, exp: now + 3_600, ...who };
  }

  private unsigned(header: object, signature: string): string {
    return `${encode(header)}.${encode(this.claims())}.${signature}`;
  }

  private hmac(header: object, secret: string): string {
    const input = `${encode(header)}.${encode(this.claims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }
}
