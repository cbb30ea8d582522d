import type { JsonObject } from '@tidegate/contracts';
import { z } from 'zod';
import type { Confirmation, Principal } from './principal';
import type { SignOuts } from './sign-outs';

export const headerSchema = z.looseObject({
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

const thumbprint = z.string().regex(/^[\w-]{43}$/);

/** Ways to bind a token that nobody here can check must not be passed over, so others than these two are refused. */
const confirmationSchema = z
  .strictObject({ 'x5t#S256': thumbprint.optional(), jkt: thumbprint.optional() })
  .refine((cnf) => Object.values(cnf).some((value) => value !== undefined))
  .transform(({ 'x5t#S256': certificate, jkt: key }): Confirmation => ({ certificate, key }));

const claimsSchema = z.looseObject({
  sub: z.string().min(1).max(256),
  exp: z.number().positive().max(maxDateSeconds),
  iat: z.number().optional(),
  tenant: z.string().min(1).max(128).optional(),
  roles: z.array(z.string().min(1)).default([]),
  client_id: z.string().min(1).optional(),
  azp: z.string().min(1).optional(),
  scope: z.string().optional(),
  cnf: confirmationSchema.optional(),
});

/** @throws ZodError for claims that are missing or of another type */
export function principalOfClaims(payload: JsonObject, signOuts?: Pick<SignOuts, 'signalOf'>): Principal {
  const { sub, exp, tenant, roles, client_id, azp, scope, cnf } = claimsSchema.parse(payload);
  const clientId = client_id ?? azp;
  const scopes = scopesOf(scope);
  const withdrawn = signOuts?.signalOf({ subject: sub, tenant });
  return deepFreeze<Principal>({
    subject: sub,
    tenant,
    roles,
    ...(clientId !== undefined && { clientId, credentialId: clientId }),
    method: 'bearer',
    ...(scopes !== undefined && { scopes }),
    ...(cnf !== undefined && { confirmation: cnf }),
    expiresAtMs: Math.floor(exp * 1_000),
    ...(withdrawn !== undefined && { withdrawn }),
    claims: payload,
  });
}

/** `transactions:read`; a token that has none of this kind, only `openid` and the like, is not narrowed. */
function scopesOf(scope = ''): string[] | undefined {
  const scopes = scope.split(' ').filter((name) => /^[a-z][a-z0-9-]*:(?:read|write|manage)$/.test(name));
  return scopes.length === 0 ? undefined : scopes;
}

// One principal serves many requests.
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || value instanceof AbortSignal)
    return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
