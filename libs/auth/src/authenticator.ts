import { AppError } from '@tidegate/errors';
import type { Principal } from './principal';

export interface AuthenticatorOptions {
  /** The `iss` that tokens must carry; its metadata names the key set unless `jwksUri` does. */
  issuer: string;
  /** The `aud` that tokens must carry. */
  audience: string;
  /** Where the key set is; by default what the issuer's discovery document says. */
  jwksUri?: string;
  /** Signature algorithms that are accepted. */
  algorithms?: readonly string[];
  clockSkewSeconds?: number;
}

/** Turns credentials into principals, for every transport. */
export class Authenticator {
  constructor(private readonly options: AuthenticatorOptions) {}

  /** @throws AppError `unauthenticated`, or `unavailable` when no key set could ever be fetched. */
  bearer(_token: string): Promise<Principal> {
    return Promise.reject(new AppError('unavailable', `The keys of ${this.options.issuer} are not known yet.`));
  }
}
