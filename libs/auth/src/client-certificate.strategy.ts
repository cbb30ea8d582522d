import { Strategy, type AuthenticateOptions, type StrategyCreated } from 'passport';
import type { Authenticator } from './authenticator';
import { credentialOf, principalOf } from './credentials';
import type { RawRequest } from './request-credentials';

/** Passport's door for client certificates, where nothing else says who calls. */
export class ClientCertificateStrategy extends Strategy {
  override readonly name = 'client-certificate';

  override authenticate(this: StrategyCreated<this>, request: unknown, options?: AuthenticateOptions): void {
    const { raw } = request as { raw: RawRequest };
    const { authenticator } = options as AuthenticateOptions & { authenticator: Authenticator };
    try {
      const credential = credentialOf(raw, authenticator);
      if (credential.method !== 'certificate') return this.fail();
      principalOf(credential, authenticator).then(
        (principal) => this.success(principal),
        (error: unknown) => this.error(error),
      );
    } catch (error) {
      this.error(error);
    }
  }
}
