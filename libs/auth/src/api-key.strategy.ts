import { Strategy, type AuthenticateOptions, type StrategyCreated } from 'passport';
import type { Authenticator } from './authenticator';
import { callerOf } from './credentials';
import { apiKeyOf, type RawRequest } from './request-credentials';

/**
 * Passport's door for API keys: the `X-API-Key` header only. A request without one is left to the next strategy; one with
 * a token beside it is refused.
 */
export class ApiKeyStrategy extends Strategy {
  override readonly name = 'api-key';

  override authenticate(this: StrategyCreated<this>, request: unknown, options?: AuthenticateOptions): void {
    const { raw } = request as { raw: RawRequest };
    const { authenticator } = options as AuthenticateOptions & { authenticator: Authenticator };
    try {
      if (apiKeyOf(raw) === undefined) return this.fail();
    } catch (error) {
      return this.error(error);
    }
    callerOf(raw, authenticator).then(
      (principal) => this.success(principal),
      (error: unknown) => this.error(error),
    );
  }
}
