import { importJWK, SignJWT, type JWK } from 'jose';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Credentials {
  'partner-north': { secret: string };
  'partner-south': { privateKey: JWK & { kid: string } };
}

/** Partners that come with tokens of the demo's issuer: the north with a secret, the south with a key. */
export class PartnerTokens {
  readonly credentials: Credentials;

  constructor(
    private readonly issuerUrl: string,
    directory: string,
  ) {
    this.credentials = JSON.parse(readFileSync(path.join(directory, 'issuer-clients.json'), 'utf8')) as Credentials;
  }

  /** With a DPoP proof the token is bound to its key. */
  bySecret(fields: Record<string, string> = {}, dpop?: string): Promise<{ status: number; token: string }> {
    const { secret } = this.credentials['partner-north'];
    const authorization = `Basic ${btoa(`partner-north:${secret}`)}`;
    return this.ask(fields, { authorization, ...(dpop !== undefined && { dpop }) });
  }

  /** `private_key_jwt`, with claims of the assertion that are wrong, or another key. */
  async byKey(
    claims: Record<string, unknown> = {},
    key: JWK = this.credentials['partner-south'].privateKey,
  ): Promise<{ status: number; token: string; again: () => Promise<{ status: number }> }> {
    const now = Math.floor(Date.now() / 1_000);
    const times = { iat: now, exp: now + 60 };
    const right = { iss: 'partner-south', sub: 'partner-south', aud: this.issuerUrl, jti: randomUUID(), ...times };
    const assertion = await new SignJWT({ ...right, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.credentials['partner-south'].privateKey.kid })
      .sign(await importJWK(key, 'ES256'));
    const fields = {
      client_id: 'partner-south',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    return { ...(await this.ask(fields)), again: () => this.ask(fields) };
  }

  private async ask(
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; token: string }> {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...fields });
    const response = await fetch(`${this.issuerUrl}/token`, { method: 'POST', headers, body });
    const { access_token: token = '' } = (await response.json()) as { access_token?: string };
    return { status: response.status, token };
  }
}
