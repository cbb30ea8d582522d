import type { Principal, TrustedProxies } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import type { IncomingMessage } from 'node:http';
import type { Admission } from './admission';
import { clientAddress } from './client-address';
import type { RateLimiter } from './rate-limiter';

/** What is counted when nothing is named, and whose addresses are believed. */
export interface RequestLimitsSettings {
  defaults: readonly string[];
  proxies: TrustedProxies;
}

export interface CountedRequest {
  request: IncomingMessage;
  principal?: Principal | undefined;
  /** Emits `close` when the client leaves. */
  connection: { once(event: 'close', leave: () => void): unknown; off(event: 'close', leave: () => void): unknown };
}

/** The limits of an application for whatever request, also one that no guard of Nest sees. */
export class RequestLimits {
  constructor(
    readonly limiter: RateLimiter,
    private readonly settings: RequestLimitsSettings,
  ) {}

  get defaults(): readonly string[] {
    return this.settings.defaults;
  }

  /** Counts a request, waiting for its turn where its limits have a queue; a client that leaves gives its turn back. */
  async count(names: readonly string[], { request, principal, connection }: CountedRequest): Promise<Admission> {
    const caller = { principal, address: clientAddress(request, this.settings.proxies) };
    const { limiter } = this;
    if (names.every((name) => limiter.limits.get(name)?.queue === undefined)) return limiter.admitCaller(names, caller);
    const left = new AbortController();
    const leave = () => left.abort(new AppError('too_slow', 'The client left while it waited for its turn.'));
    connection.once('close', leave);
    try {
      return await limiter.admitCaller(names, caller, { signal: left.signal });
    } finally {
      connection.off('close', leave);
    }
  }

  /** @throws AppError `rate_limited` with the time to come back, and as `RateLimiter.admit` does */
  async admit(names: readonly string[] | undefined, counted: CountedRequest): Promise<void> {
    const admission = await this.count(names ?? this.defaults, counted);
    if (!admission.admitted) throw refusalOf(admission);
  }
}

/** What a caller is told whose limits are used up. */
export function refusalOf({ limits, retryAfterMs }: Admission): AppError {
  const used = limits.filter(({ remaining }) => remaining === 0).map(({ name }) => name);
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const detail = `The limit ${used.join(', ')} is used up. Try again in ${seconds} s.`;
  return new AppError('rate_limited', detail, { retryAfterMs });
}
