import { Strategy, type AuthenticateOptions, type StrategyCreated } from 'passport';
import type { Authenticator } from './authenticator';
import { callerOf } from './credentials';
import type { RawRequest } from './request-credentials';

interface BearerOptions extends AuthenticateOptions {
  authenticator: Authenticator;
}

/**
 * Passport's door to the `Authenticator`: the `Authorization` header only, never the query. It has no state (Passport's
 * registry is one for all applications of a process), so the authenticator comes with each call.
 */
export class BearerStrategy extends Strategy {
  override readonly name = 'bearer';

  override authenticate(this: StrategyCreated<this>, request: unknown, options?: AuthenticateOptions): void {
    const { authenticator } = options as BearerOptions;
    // Fastify's request; Node's own, with all headers as they came, is inside.
    callerOf((request as { raw: RawRequest }).raw, authenticator).then(
      (principal) => this.success(principal),
      (error: unknown) => this.error(error),
    );
  }
}
