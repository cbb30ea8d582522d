import { AppError } from '@tidegate/errors';
import { z } from 'zod';

export interface ServiceTokenOptions {
  issuer: string;
  clientId: string;
  clientSecret: string;
  timeoutMs: number;
}

const discoverySchema = z.object({ token_endpoint: z.url() });
const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** A token is renewed this long before it ends, so that none expires on its way to a service. */
const renewBeforeMs = 30_000;

/** The app's own identity towards the services: an OAuth 2.0 client credentials token (RFC 6749 §4.4), kept until it ages. */
export class ServiceToken {
  private tokenEndpoint: string | undefined;
  private current: { token: string; renewAtMs: number } | undefined;
  private pending: Promise<string> | undefined;

  constructor(private readonly options: ServiceTokenOptions) {}

  /** @throws AppError `unavailable` while the issuer gives none. */
  async get(): Promise<string> {
    if (this.current !== undefined && Date.now() < this.current.renewAtMs) return this.current.token;
    this.pending ??= this.request().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  /** Forgets a token that a service refused. */
  drop(token: string): void {
    if (this.current?.token === token) this.current = undefined;
  }

  private async request(): Promise<string> {
    try {
      this.tokenEndpoint ??= await this.discover();
      const { clientId, clientSecret, timeoutMs } = this.options;
      const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
      const response = await fetch(this.tokenEndpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
      const { access_token: token, expires_in: seconds } = tokenSchema.parse(await response.json());
      this.current = { token, renewAtMs: Date.now() + seconds * 1000 - renewBeforeMs };
      return token;
    } catch (cause) {
      throw new AppError('unavailable', 'The token issuer is not available.', { cause, retryAfterMs: 2_000 });
    }
  }

  private async discover(): Promise<string> {
    const response = await fetch(`${this.options.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(this.options.timeoutMs),
    });
    if (!response.ok) throw new Error(`the issuer's discovery document answered ${response.status}`);
    return discoverySchema.parse(await response.json()).token_endpoint;
  }
}
