import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard, type AuthGuardAuthenticateOptions } from '@nestjs/passport';
import { AppError } from '@tidegate/errors';
import { LOGGER, requestContext, type Logger } from '@tidegate/telemetry';
import passport from 'passport';
import { accessOf, type Access } from './access.decorators';
import { ApiKeyStrategy } from './api-key.strategy';
import { Authenticator } from './authenticator';
import { BearerStrategy } from './bearer.strategy';
import { ClientCertificateStrategy } from './client-certificate.strategy';
import { isInScope, type Principal } from './principal';
import { unauthenticated } from './refusal';

const forbidden = 'You may not do this.';

/** Lets a request through only as its route declares: `@Public()`, or `@Require(…)` and a caller who fits. */
@Injectable()
export class AccessGuard extends AuthGuard(['api-key', 'client-certificate', 'bearer']) {
  constructor(
    private readonly authenticator: Authenticator,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
    passport.use(new ApiKeyStrategy());
    passport.use(new ClientCertificateStrategy());
    passport.use(new BearerStrategy());
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = accessOf(context.getHandler(), context.getClass());
    if (access === undefined || context.getType() !== 'http') return this.refuseUndeclared(context);
    if (access.kind === 'public') return true;
    await super.canActivate(context);
    const { user } = context.switchToHttp().getRequest<{ user: Principal }>();
    const work = requestContext.get();
    if (work !== undefined) Object.assign(work, { tenant: user.tenant, subject: user.subject });
    if (!fits(user, access)) throw new AppError('permission_denied', forbidden);
    return true;
  }

  override getAuthenticateOptions(): AuthGuardAuthenticateOptions {
    return { session: false, authenticator: this.authenticator };
  }

  override handleRequest<T>(error: unknown, principal: T): T {
    if (error !== null && error !== undefined) throw AppError.from(error);
    if (!principal) throw unauthenticated();
    return principal;
  }

  private refuseUndeclared(context: ExecutionContext): never {
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    this.logger.error({ handler }, 'a route declares no access; add @Public() or @Require(…)');
    throw new AppError('permission_denied', forbidden);
  }
}

function fits(principal: Principal, { roles, resource, action }: Access & { kind: 'required' }): boolean {
  if (resource !== undefined && !isInScope(principal, resource, action ?? 'read')) return false;
  return roles === undefined || roles.some((role) => principal.roles.includes(role));
}
