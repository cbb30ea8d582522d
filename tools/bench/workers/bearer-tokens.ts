import { importJWK, SignJWT, type JWK } from 'jose';

/** An issuer that the app under test trusts, with the key that it signs with. */
export interface TokenIssuer {
  url: string;
  privateKey: JWK;
}

/** A token for each of so many callers, no two of them the same person. */
export async function tokensFor(count: number, roles: readonly string[], issuer: TokenIssuer): Promise<string[]> {
  const key = await importJWK(issuer.privateKey, 'ES256');
  const sign = (_: unknown, index: number) =>
    new SignJWT({ tenant: 'north', roles: [roles[index % roles.length]] })
      .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
      .setIssuer(issuer.url)
      .setAudience('tidegate')
      .setSubject(`caller-${index}`)
      .setExpirationTime('1h')
      .sign(key);
  return Promise.all(Array.from({ length: count }, sign));
}
