import { createRegistry, type Registry } from '@tidegate/telemetry';
import { rateLimit, windowLimit } from './limit-store-contract';
import { LocalStore } from './local-store';
import { LimitMetrics } from './metrics';
import { RateLimiter } from './rate-limiter';

const limits = new Map(
  [
    windowLimit(2, 60, undefined, 'few'),
    rateLimit(100, 1, { maxWaitMs: 1_000, maxWaiting: 5 }, 'queued'),
    { ...windowLimit(1, 60, undefined, 'tenants'), per: 'tenant' as const },
  ].map((limit) => [limit.name, limit]),
);

let registry: Registry;
const open = (maxWaiting = 10): RateLimiter => {
  registry = createRegistry();
  return new RateLimiter(limits, { store: new LocalStore(), metrics: new LimitMetrics(registry), maxWaiting });
};
const queued = { limit: 'queued', key: 'a' };

describe(RateLimiter.name, () => {
  it('says how each limit stands, and when to come again', async () => {
    const limiter = open();
    const charges = [{ limit: 'few', key: 'a' }];
    expect(await limiter.admit(charges)).toMatchObject({ admitted: true, retryAfterMs: 0 });
    await limiter.admit(charges);
    const { admitted, retryAfterMs, limits: states } = await limiter.admit(charges);
    expect(admitted).toBe(false);
    expect(retryAfterMs).toBeGreaterThan(59_000);
    expect(retryAfterMs).toBeLessThanOrEqual(61_000);
    expect(states).toEqual([{ name: 'few', remaining: 0, resetMs: expect.any(Number) as number }]);
    expect(await registry.getSingleMetricAsString('tidegate_limit_requests_total')).toContain(
      'limit="few",outcome="refused"} 1',
    );
  });

  it('lets those in a queue go one after the other', async () => {
    const limiter = open();
    const startedAt = performance.now();
    const order: number[] = [];
    await Promise.all([0, 1, 2].map((index) => limiter.admit([queued]).then(() => order.push(index))));
    expect(order).toEqual([0, 1, 2]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
  });

  it('rejects with the reason of a signal, and gives the turn to the next', async () => {
    const limiter = open();
    const leaving = new AbortController();
    await limiter.admit([queued]);
    const left = limiter.admit([queued], { signal: leaving.signal });
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await expect(limiter.admit([queued], { signal: leaving.signal })).rejects.toThrow('left');
    const startedAt = performance.now();
    await limiter.admit([queued]);
    expect(performance.now() - startedAt).toBeLessThan(150);
  });

  it('refuses more that would wait than the process may hold, without charging them', async () => {
    const limiter = open(1);
    const all = await Promise.all([queued, queued, queued, queued].map((charge) => limiter.admit([charge])));
    expect(all.map(({ admitted }) => admitted)).toEqual([true, true, false, false]);
    expect((await limiter.admit([queued])).admitted).toBe(true);
  });

  it('counts a caller by what each limit is per', async () => {
    const limiter = open();
    const principal = { subject: '13', tenant: 'north', roles: [], expiresAtMs: 0, claims: {} };
    const admit = (changes: object) =>
      limiter
        .admitCaller(['tenants'], { principal: { ...principal, ...changes }, address: '1.1.1.1' })
        .then(({ admitted }) => admitted);
    expect(await admit({})).toBe(true);
    expect(await admit({ subject: '14' })).toBe(false);
    expect(await admit({ tenant: 'south' })).toBe(true);
  });

  it('does not know limits that there are not', async () => {
    await expect(open().admit([{ limit: 'none', key: 'a' }])).rejects.toMatchObject({ code: 'internal' });
  });
});
