import type { Limit } from '@tidegate/catalog';
import type { LimitState } from './admission';

/** `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: names as strings, whole seconds. */
export function limitHeaders(
  limits: ReadonlyMap<string, Limit>,
  states: readonly LimitState[],
): Record<'ratelimit-policy' | 'ratelimit', string> {
  return {
    'ratelimit-policy': states.map(({ name }) => `"${name}"${policyOf(limits.get(name))}`).join(', '),
    ratelimit: states
      .map(({ name, remaining, resetMs }) => `"${name}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`)
      .join(', '),
  };
}

function policyOf(limit: Limit | undefined): string {
  if (limit === undefined) return '';
  const { quota, seconds } = quotaOf(limit);
  return `;q=${quota};w=${seconds}`;
}

/** What may be used at once, and how long it takes until all of it is there again. */
export function quotaOf(limit: Limit): { quota: number; seconds: number } {
  if (limit.kind === 'window') return { quota: limit.max, seconds: limit.windowSeconds };
  return { quota: limit.burst, seconds: Math.ceil((limit.burst * limit.intervalUs) / 1_000_000) };
}
