import type { JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Health, HealthCheck, Logger } from '@tidegate/telemetry';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { z } from 'zod';
import type { ApiKeys } from './api-keys';
import { headerSchema, principalOfClaims } from './claims';
import type { ClientCertificates } from './client-certificates';
import type { DpopProofs, PresentedProof } from './dpop-proofs';
import { KeySet } from './key-set';
import type { Confirmation, Principal } from './principal';
import { unauthenticated } from './refusal';
import type { RawRequest } from './request-credentials';
import type { SignOuts } from './sign-outs';
import { TokenCache } from './token-cache';

/** Asymmetric ones only: whoever can check a token must not be able to make one. */
const supportedAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

export const authenticatorOptionsSchema = z.object({
  /** The `iss` that tokens must carry; its discovery document names the key set unless `jwksUri` does. */
  issuer: z.string().min(1),
  /** The `aud` that tokens must carry. */
  audience: z.string().min(1),
  jwksUri: z.url({ protocol: /^https?$/ }).optional(),
  algorithms: z
    .array(z.enum(supportedAlgorithms))
    .min(1)
    .default([...supportedAlgorithms]),
  clockSkewSeconds: z.number().min(0).max(300).default(30),
  /** A longer token is refused unread. */
  maxTokenBytes: z.number().positive().default(8_192),
  /** A verified token is not verified again for so long (nor ever beyond its `exp`); 0 switches that off. */
  verifiedTtlMs: z.number().min(0).default(60_000),
  maxVerified: z.number().positive().default(10_000),
  keysMaxAgeMs: z.number().positive().default(600_000),
  keysCooldownMs: z.number().min(0).default(30_000),
  keysFirstRetryMs: z.number().min(0).default(5_000),
  keysTimeoutMs: z.number().positive().default(3_000),
});

export type AuthenticatorOptions = z.input<typeof authenticatorOptionsSchema>;

/** What a caller can show of the keys that its token is bound to. */
export interface Holder {
  /** SHA-256 of its client certificate. */
  certificate?: string;
  /** With the scheme `DPoP`: its proofs, and the request that they are for. */
  proof?: PresentedProof;
  /** What the same caller has proved before, on the connection or for the ticket that it comes with now. */
  proven?: Confirmation | undefined;
}

export interface AuthenticatorDeps {
  logger?: Logger;
  now?: () => number;
  /** Without them no API key is taken, and no certificate stands for a client. */
  apiKeys?: Pick<ApiKeys, 'verify' | 'verifyCertificate'> | undefined;
  /** Without them no certificate is seen. */
  certificates?: ClientCertificates | undefined;
  /** Without them no token that is bound to a DPoP key is taken. */
  proofs?: Pick<DpopProofs, 'verify'> | undefined;
  /** Without them a token is good until its end. */
  signOuts?: Pick<SignOuts, 'isOut' | 'signalOf'> | undefined;
}

/** Turns credentials into principals, for every transport. */
export class Authenticator implements HealthCheck {
  readonly name = 'issuer';
  readonly required = false;
  private readonly options: z.output<typeof authenticatorOptionsSchema>;
  private readonly keys: KeySet;
  private readonly verified: TokenCache;
  private readonly now: () => number;

  constructor(
    options: AuthenticatorOptions,
    private readonly deps: AuthenticatorDeps = {},
  ) {
    this.now = deps.now ?? Date.now;
    this.options = authenticatorOptionsSchema.parse(options);
    const { issuer, jwksUri, keysMaxAgeMs, keysCooldownMs, keysFirstRetryMs, keysTimeoutMs } = this.options;
    const times = {
      maxAgeMs: keysMaxAgeMs,
      cooldownMs: keysCooldownMs,
      firstRetryMs: keysFirstRetryMs,
      fetchTimeoutMs: keysTimeoutMs,
    };
    this.keys = new KeySet({ issuer, jwksUri }, times, this.now, deps.logger);
    this.verified = new TokenCache(this.options.maxVerified, this.options.verifiedTtlMs);
  }

  /** Fetches the issuer's keys ahead of the first token; does not fail when the issuer is down. */
  warmUp(): Promise<void> {
    return this.keys.warmUp();
  }

  check(): Health {
    return this.keys.known ? { ok: true } : { ok: false, reason: `no keys of ${this.options.issuer} yet` };
  }

  /**
   * Whose token it is. One that is bound to a key is taken only from its holder.
   * @throws AppError `unauthenticated`, the same for every reason; `unavailable` when no key set could ever be fetched, or
   * nobody can say whether a proof is new
   */
  async bearer(token: string, holder: Holder = {}): Promise<Principal> {
    if (token.length > this.options.maxTokenBytes) throw unauthenticated('longer than allowed');
    try {
      const principal = await this.verifiedOnce(token);
      if (this.deps.signOuts?.isOut(principal, principal.claims['iat']) === true) throw unauthenticated('signed out');
      const { confirmation } = principal;
      if (confirmation !== undefined || holder.proof !== undefined) await this.confirm(confirmation, token, holder);
      return principal;
    } catch (error) {
      throw AppError.is(error) ? error : unauthenticated(error);
    }
  }

  /** Whether API keys are taken here. */
  get takesApiKeys(): boolean {
    return this.deps.apiKeys !== undefined;
  }

  /** @throws AppError `unauthenticated`, the same for every reason; `unavailable` when the keys cannot be checked. */
  async apiKey(text: string): Promise<Principal> {
    if (this.deps.apiKeys === undefined) throw unauthenticated('API keys are not taken here');
    return Promise.resolve(this.deps.apiKeys.verify(text));
  }

  /** The client that a certificate stands for, by its SHA-256. @throws AppError as `apiKey` does */
  async certificate(thumbprint: string): Promise<Principal> {
    if (this.deps.apiKeys === undefined) throw unauthenticated('certificates stand for nobody here');
    return Promise.resolve(this.deps.apiKeys.verifyCertificate(thumbprint));
  }

  /** SHA-256 of the client certificate that a request came with. @throws AppError `unauthenticated` for a bad one */
  readonly certificateOf = (request: RawRequest): string | undefined => this.deps.certificates?.of(request);

  private async verifiedOnce(token: string): Promise<Principal> {
    const known = this.verified.get(token, this.now());
    if (known !== undefined) return known;
    const principal = await this.verify(token);
    this.verified.set(token, principal, this.now());
    return principal;
  }

  private async confirm(confirmation: Confirmation | undefined, token: string, holder: Holder): Promise<void> {
    const { certificate, key } = confirmation ?? {};
    const { proven, proof } = holder;
    if (certificate !== undefined && certificate !== holder.certificate && certificate !== proven?.certificate) {
      throw unauthenticated('the token is bound to another certificate');
    }
    if (key !== undefined && key === proven?.key) return;
    if (key === undefined && proof === undefined) return;
    if (key === undefined || proof === undefined || this.deps.proofs === undefined)
      throw unauthenticated('no DPoP proof, or no key for it');
    await this.deps.proofs.verify(proof, token, key);
  }

  private async verify(token: string): Promise<Principal> {
    headerSchema.parse(decodeProtectedHeader(token));
    const { payload } = await jwtVerify(token, this.keys.keyFor, {
      algorithms: this.options.algorithms,
      issuer: this.options.issuer,
      audience: this.options.audience,
      clockTolerance: this.options.clockSkewSeconds,
      requiredClaims: ['exp', 'sub'],
      currentDate: new Date(this.now()),
    });
    return principalOfClaims(payload as JsonObject, this.deps.signOuts);
  }
}
