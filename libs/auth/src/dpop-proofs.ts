import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { publicKeySchema } from './key-source';
import type { ProofMemory } from './proof-memory';
import { unauthenticated } from './refusal';

export const dpopOptionsSchema = z.object({
  /** Under which base URLs clients reach this app: what a proof is for must be one of them and the path. */
  urls: z.array(z.url({ protocol: /^https?$/ })).min(1),
  /** How old a proof may be; clocks may differ by 30 s on top. */
  maxAgeSeconds: z.number().int().min(5).max(300).default(60),
});

export type DpopOptions = z.input<typeof dpopOptionsSchema>;

/** The proofs that came with a request, as they came, and the request. */
export interface PresentedProof {
  texts: readonly string[];
  method: string;
  url: string;
}

const skewSeconds = 30;
const maxProofBytes = 4_096;
const maxKeys = 1_000;
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'];

const headerSchema = z.looseObject({
  typ: z.literal('dpop+jwt'),
  alg: z.enum(algorithms),
  // A private key in a proof has been given away.
  jwk: z.custom<JWK>((value) => publicKeySchema.safeParse(value).success),
});

const claimsSchema = z.looseObject({
  jti: z.string().min(1).max(256),
  htm: z.string(),
  htu: z.url(),
  iat: z.number(),
  ath: z.string(),
});

/** Proofs that whoever shows a token holds the key that it is bound to (RFC 9449), each good for one request. */
export class DpopProofs {
  private readonly urls: ReadonlySet<string>;
  private readonly maxAgeSeconds: number;
  private readonly keys = new Map<string, CryptoKey | Uint8Array>();

  constructor(
    options: DpopOptions,
    private readonly memory: ProofMemory,
    private readonly now: () => number = Date.now,
  ) {
    const { urls, maxAgeSeconds } = dpopOptionsSchema.parse(options);
    this.urls = new Set(urls.map((url) => url.replace(/\/$/, '')));
    this.maxAgeSeconds = maxAgeSeconds;
  }

  /**
   * Resolves when the proof is of this key, for this token and this request, fresh, and new.
   * @throws AppError `unauthenticated`; `unavailable` when nobody can say whether it is new; whatever jose and zod throw
   */
  async verify({ texts, method, url }: PresentedProof, token: string, thumbprint: string): Promise<void> {
    const [text = ''] = texts;
    if (texts.length !== 1 || text.length > maxProofBytes) throw unauthenticated('not one DPoP proof');
    const { alg, jwk } = headerSchema.parse(decodeProtectedHeader(text));
    // Before the signature: only the key that the token names is worth the arithmetic.
    if ((await calculateJwkThumbprint(jwk)) !== thumbprint) throw unauthenticated('DPoP proof of another key');
    const { payload } = await jwtVerify(text, await this.keyOf(jwk, alg, thumbprint), { algorithms: [alg] });
    const { jti, htm, htu, iat, ath } = claimsSchema.parse(payload);
    if (htm !== method || !this.isHere(htu, url)) throw unauthenticated('DPoP proof for another request');
    if (ath !== createHash('sha256').update(token).digest('base64url'))
      throw unauthenticated('DPoP proof for another token');
    const ageSeconds = this.now() / 1_000 - iat;
    if (ageSeconds > this.maxAgeSeconds + skewSeconds || ageSeconds < -skewSeconds)
      throw unauthenticated('DPoP proof not fresh');
    const id = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url');
    const keptMs = (this.maxAgeSeconds + 2 * skewSeconds) * 1_000;
    if (!(await this.memory.isFirst(id, keptMs))) throw unauthenticated('DPoP proof seen before');
  }

  /** A caller proves the same key with every request, and reading it costs as much as a check does. */
  private async keyOf(jwk: JWK, alg: string, thumbprint: string): Promise<CryptoKey | Uint8Array> {
    const id = `${alg} ${thumbprint}`;
    const known = this.keys.get(id);
    if (known !== undefined) return known;
    const key = await importJWK(jwk, alg);
    const oldest = this.keys.keys().next();
    if (this.keys.size >= maxKeys && !oldest.done) this.keys.delete(oldest.value);
    this.keys.set(id, key);
    return key;
  }

  /** Query and fragment do not count. A WebSocket is opened by a GET, so `wss` stands for `https`. */
  private isHere(htu: string, target: string): boolean {
    const { protocol, host, pathname } = new URL(htu);
    const path = target.split('?', 1)[0] ?? '';
    const base = `${protocol.replace(/^ws/, 'http')}//${host}`;
    return [...this.urls].some((url) => `${base}${pathname}` === `${url}${path}`);
  }
}
