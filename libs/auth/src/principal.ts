import type { JsonObject } from '@tidegate/contracts';

export type CredentialMethod = 'bearer' | 'api-key' | 'certificate';

/** The keys that a token is bound to: it is of no use to whoever does not hold them. SHA-256 thumbprints, base64url. */
export interface Confirmation {
  /** Of a client certificate (RFC 8705). */
  readonly certificate?: string | undefined;
  /** Of the key that signs DPoP proofs (RFC 9449). */
  readonly key?: string | undefined;
}

/** Who is calling. */
export interface Principal {
  readonly subject: string;
  readonly tenant: string | undefined;
  readonly roles: readonly string[];
  readonly clientId?: string;
  /** How the caller proved who it is. */
  readonly method?: CredentialMethod;
  /** Names the credential for limits and audit: the id of the API key, or the client that the token is for. Not a secret. */
  readonly credentialId?: string;
  /** `<resource>:<action>`: what of its roles' access the credential may use; undefined: all of it. */
  readonly scopes?: readonly string[];
  /** What the caller's token is bound to, and the caller has proved to hold. */
  readonly confirmation?: Confirmation;
  /** When the credential ends, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Aborted when the credential is taken back before its end. */
  readonly withdrawn?: AbortSignal;
  /** All claims of the credential, as they came. */
  readonly claims: JsonObject;
}

/** Whether the credential may be used for an action on a resource. The caller's roles still have to give it. */
export function isInScope({ scopes }: Pick<Principal, 'scopes'>, resource: string, action: string): boolean {
  return scopes === undefined || scopes.includes(`${resource}:${action}`);
}
