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
import type { Admission } from './admission';
import { clientAddress, type TrustedProxies } from './client-address';
import { limitHeaders } from './limit-headers';
import { unknownLimits } from './limits-check';
import { limitsOf } from './limits.decorator';
import { RateLimiter } from './rate-limiter';

/** What the guard counts when a route names nothing, and whose addresses it believes. */
export interface GuardSettings {
  defaults: readonly string[];
  proxies: TrustedProxies;
}

// What the throttler's `@SkipThrottle({ name: true })` sets; its package does not export the name.
const skipKey = 'THROTTLER:SKIP';

export const GUARD_SETTINGS = Symbol('tidegate.ratelimit.guard-settings');

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
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(GUARD_SETTINGS) private readonly settings: GuardSettings,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super(options, storage, reflector);
  }

  /** @throws AppError `invalid_catalog` when a route names a limit that there is not */
  override async onModuleInit(): Promise<void> {
    await super.onModuleInit();
    const problems = unknownLimits(this.modules, this.limiter.limits, this.settings.defaults);
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
    const caller = { principal: req.user, address: clientAddress(req.raw, this.settings.proxies) };
    const admission = await this.whileConnected(res.raw, names, (signal) =>
      this.limiter.admitCaller(names, caller, signal === undefined ? {} : { signal }),
    );
    const headers = limitHeaders(this.limiter.limits, admission.limits);
    for (const [name, value] of Object.entries(headers)) this.setResponseHeader(res, name, value);
    if (!admission.admitted) throw refusal(admission);
    return true;
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    const isHttp = context.getType() === 'http';
    return Promise.resolve(!isHttp || context.switchToHttp().getRequest<Request>().method === 'OPTIONS');
  }

  private namesFor(context: ExecutionContext): string[] {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const names = limitsOf(handler, controller) ?? this.settings.defaults;
    return names.filter((name) => !this.reflector.getAllAndOverride<boolean>(skipKey + name, [handler, controller]));
  }

  /** A client that leaves while it waits gives its turn back. */
  private async whileConnected<T>(
    response: ServerResponse,
    names: readonly string[],
    work: (signal?: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (names.every((name) => this.limiter.limits.get(name)?.queue === undefined)) return work();
    const left = new AbortController();
    const leave = () => left.abort(new AppError('too_slow', 'The client left while it waited for its turn.'));
    response.once('close', leave);
    try {
      return await work(left.signal);
    } finally {
      response.off('close', leave);
    }
  }
}

function refusal({ limits, retryAfterMs }: Admission): AppError {
  const used = limits.filter(({ remaining }) => remaining === 0).map(({ name }) => name);
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const detail = `The limit ${used.join(', ')} is used up. Try again in ${seconds} s.`;
  return new AppError('rate_limited', detail, { retryAfterMs });
}
