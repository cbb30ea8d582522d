import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import { accessOf, type Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { limitHeaders } from './limit-headers';
import { unknownLimits } from './limits-check';
import { limitsOf } from './limits.decorator';
import { refusalOf, RequestLimits } from './request-limits';

// What the throttler's `@SkipThrottle({ name: true })` sets; its package does not export the name.
const skipKey = 'THROTTLER:SKIP';

interface Request {
  method: string;
  user?: Principal;
  raw: IncomingMessage;
}

interface Reply {
  raw: ServerResponse;
}

/**
 * The throttler's guard with its evaluation replaced: all limits of a route in one decision, on the identity that the
 * authentication before it found.
 */
@Injectable()
export class LimitsGuard extends ThrottlerGuard {
  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    @Inject(Reflector) reflector: Reflector,
    @Inject(RequestLimits) private readonly limits: RequestLimits,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super(options, storage, reflector);
  }

  /** @throws AppError `invalid_catalog` when a route names a limit that there is not */
  override async onModuleInit(): Promise<void> {
    await super.onModuleInit();
    const problems = unknownLimits(this.modules, this.limits.limiter.limits, this.limits.defaults);
    if (problems.length > 0) throw new AppError('invalid_catalog', problems.join('\n'));
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (await this.shouldSkip(context)) return true;
    const names = this.namesFor(context);
    if (names.length === 0) return true;
    const { req, res } = this.getRequestResponse(context) as { req: Request; res: Reply };
    const access = accessOf(context.getHandler(), context.getClass());
    if (req.user === undefined && access?.kind === 'required')
      throw new Error('Import RateLimitModule after AuthModule.');
    const admission = await this.limits.count(names, { request: req.raw, principal: req.user, connection: res.raw });
    const headers = limitHeaders(this.limits.limiter.limits, admission.limits);
    for (const [name, value] of Object.entries(headers)) this.setResponseHeader(res, name, value);
    if (!admission.admitted) throw refusalOf(admission);
    return true;
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    const isHttp = context.getType() === 'http';
    return Promise.resolve(!isHttp || context.switchToHttp().getRequest<Request>().method === 'OPTIONS');
  }

  private namesFor(context: ExecutionContext): string[] {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const names = limitsOf(handler, controller) ?? this.limits.defaults;
    return names.filter((name) => !this.reflector.getAllAndOverride<boolean>(skipKey + name, [handler, controller]));
  }
}
