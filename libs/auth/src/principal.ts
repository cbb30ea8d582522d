import type { JsonObject } from '@tidegate/contracts';

/** Who is calling. */
export interface Principal {
  readonly subject: string;
  readonly tenant: string | undefined;
  readonly roles: readonly string[];
  readonly clientId?: string;
  /** When the credential ends, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** All claims of the credential, as they came. */
  readonly claims: JsonObject;
}
