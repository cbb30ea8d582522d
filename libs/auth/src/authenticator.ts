import type { JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Health, HealthCheck, Logger } from '@tidegate/telemetry';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { z } from 'zod';
import type { ApiKeys } from './api-keys';
import { KeySet } from './key-set';
import type { Principal } from './principal';
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

const headerSchema = z.looseObject({
  alg: z.string(),
  kid: z.string().min(1).max(256).optional(),
  // RFC 9068 access tokens and plain JWTs; not logout tokens, ID proofs and whatever else one issuer signs.
  typ: z
    .string()
    .regex(/^(?:application\/)?(?:at\+)?jwt$/i)
    .optional(),
  // A token must not bring or point to its own key.
  jwk: z.undefined().optional(),
  jku: z.undefined().optional(),
  x5u: z.undefined().optional(),
  x5c: z.undefined().optional(),
});

// The last moment that a Date can hold.
const maxDateSeconds = 8_640_000_000_000;

const claimsSchema = z.looseObject({
  sub: z.string().min(1).max(256),
  exp: z.number().positive().max(maxDateSeconds),
  tenant: z.string().min(1).max(128).optional(),
  roles: z.array(z.string().min(1)).default([]),
  client_id: z.string().min(1).optional(),
  azp: z.string().min(1).optional(),
});

export interface AuthenticatorDeps {
  logger?: Logger;
  now?: () => number;
  /** Without them no API key is taken. */
  apiKeys?: Pick<ApiKeys, 'verify'> | undefined;
}

/** Turns credentials into principals, for every transport. */
export class Authenticator implements HealthCheck {
  readonly name = 'issuer';
  readonly required = false;
  private readonly options: z.output<typeof authenticatorOptionsSchema>;
  private readonly keys: KeySet;
  private readonly verified: TokenCache;
  private readonly now: () => number;
  private readonly apiKeys: Pick<ApiKeys, 'verify'> | undefined;

  constructor(options: AuthenticatorOptions, { logger, now = Date.now, apiKeys }: AuthenticatorDeps = {}) {
    this.now = now;
    this.apiKeys = apiKeys;
    this.options = authenticatorOptionsSchema.parse(options);
    const { issuer, jwksUri, keysMaxAgeMs, keysCooldownMs, keysFirstRetryMs, keysTimeoutMs } = this.options;
    const times = {
      maxAgeMs: keysMaxAgeMs,
      cooldownMs: keysCooldownMs,
      firstRetryMs: keysFirstRetryMs,
      fetchTimeoutMs: keysTimeoutMs,
    };
    this.keys = new KeySet({ issuer, jwksUri }, times, now, logger);
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
   * @throws AppError `unauthenticated`, the same for every reason; `unavailable` when no key set could ever be fetched.
   */
  async bearer(token: string): Promise<Principal> {
    if (token.length > this.options.maxTokenBytes) throw unauthenticated('longer than allowed');
    const known = this.verified.get(token, this.now());
    if (known !== undefined) return known;
    try {
      const principal = await this.verify(token);
      this.verified.set(token, principal, this.now());
      return principal;
    } catch (error) {
      throw AppError.is(error) ? error : unauthenticated(error);
    }
  }

  /** Whether API keys are taken here. */
  get takesApiKeys(): boolean {
    return this.apiKeys !== undefined;
  }

  /** @throws AppError `unauthenticated`, the same for every reason; `unavailable` when the keys cannot be checked. */
  async apiKey(text: string): Promise<Principal> {
    if (this.apiKeys === undefined) throw unauthenticated('API keys are not taken here');
    return Promise.resolve(this.apiKeys.verify(text));
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
    return principalOf(payload as JsonObject);
  }
}

function principalOf(payload: JsonObject): Principal {
  const { sub, exp, tenant, roles, client_id, azp } = claimsSchema.parse(payload);
  const clientId = client_id ?? azp;
  return deepFreeze<Principal>({
    subject: sub,
    tenant,
    roles,
    ...(clientId !== undefined && { clientId, credentialId: clientId }),
    method: 'bearer',
    expiresAtMs: Math.floor(exp * 1_000),
    claims: payload,
  });
}

/** One message for all reasons; the reason is for logs. */
export function unauthenticated(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'A valid access token is needed.', { cause });
}

// One principal serves many requests.
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
