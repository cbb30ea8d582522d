import { parseJson } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { Idempotency, idempotencyKeyOf, type IdempotentRequest } from './idempotency';
import { MemoryIdempotencyStore, type IdempotencyStore } from './idempotency-store';
import { describeIdempotencyStore } from './idempotency-store-contract';

const request: IdempotentRequest = {
  key: 'k1',
  caller: 'partner-north',
  operation: 'POST /v1/transactions',
  body: { accountId: 'a', amount: 1.5 },
};

const codeOf = (error: unknown): string => AppError.from(error).code;
const hour = 3_600_000;

describe(Idempotency.name, () => {
  let nowMs: number;
  let store: MemoryIdempotencyStore;
  let idempotency: Idempotency;
  let done: number;

  const work = (): Promise<object> => Promise.resolve({ done: (done += 1) });

  beforeEach(() => {
    nowMs = 1_000_000;
    done = 0;
    store = new MemoryIdempotencyStore({ now: () => nowMs });
    idempotency = new Idempotency(store, { leaseMs: 1_000 });
  });

  it('carries a request out each time when it has no key', async () => {
    const { key: _, ...rest } = request;
    await idempotency.run({ ...rest, key: undefined }, work);
    expect(await idempotency.run({ ...rest, key: undefined }, work)).toEqual({ answer: { done: 2 }, replayed: false });
  });

  it('gives the first answer again for 24 h, and not longer', async () => {
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: false });
    nowMs += 24 * hour - 1;
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: true });
    nowMs += 1;
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 2 }, replayed: false });
  });

  it('gives every digit again', async () => {
    const answer = parseJson('{"amount":1.10,"big":9007199254740993}') as object;
    await idempotency.run(request, () => Promise.resolve(answer));
    const again = await idempotency.run(request, work);
    expect(JSON.stringify(again.answer)).toBe('{"amount":1.10,"big":9007199254740993}');
  });

  it('takes the same body in another order for the same', async () => {
    await idempotency.run(request, work);
    const { replayed } = await idempotency.run({ ...request, body: { amount: 1.5, accountId: 'a' } }, work);
    expect(replayed).toBe(true);
  });

  it.each([
    ['another value', { accountId: 'a', amount: 1.51 }],
    ['a field more', { accountId: 'a', amount: 1.5, reference: 'r' }],
    ['a field less', { accountId: 'a' }],
    ['text for a number', { accountId: 'a', amount: '1.5' }],
  ])('refuses another body: %s', async (_what, body) => {
    await idempotency.run(request, work);
    await expect(idempotency.run({ ...request, body }, work)).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    expect(done).toBe(1);
  });

  it.each([
    ['callers', { caller: 'partner-south' }],
    ['operations', { operation: 'POST /v1/orders' }],
    ['keys', { key: 'k2' }],
  ])('keeps %s apart', async (_what, other) => {
    await idempotency.run(request, work);
    expect(await idempotency.run({ ...request, ...other }, work)).toEqual({ answer: { done: 2 }, replayed: false });
  });

  it('lets one of many at once do it, and tells the others to come again', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => idempotency.run(request, work)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as AppError] : []));
    expect(refused).toHaveLength(19);
    expect(new Set(refused.map(({ code, retryAfterMs }) => `${code} ${retryAfterMs}`))).toEqual(
      new Set(['conflict 1000']),
    );
    expect(done).toBe(1);
  });

  it('gives an attempt up that is silent for longer than its lease, and takes nothing from it any more', async () => {
    let finish: (answer: object) => void = () => undefined;
    const late = idempotency.run(request, () => new Promise<object>((resolve) => (finish = resolve)));
    await Promise.resolve();
    nowMs += 999;
    await expect(idempotency.run(request, work)).rejects.toMatchObject({ code: 'conflict' });
    nowMs += 1;
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: false });
    finish({ done: 'late' });
    await late;
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: true });
  });

  it('forgets a key when nothing was done, also for another body', async () => {
    const refusal = new AppError('not_found', 'no');
    await expect(idempotency.run(request, () => Promise.reject(refusal))).rejects.toBe(refusal);
    const other = { ...request, body: { accountId: 'b', amount: 1.5 } };
    expect(await idempotency.run(other, work)).toEqual({ answer: { done: 1 }, replayed: false });
  });

  it.each([
    ['an unknown outcome', new AppError('unavailable', 'lost', { outcome: 'unknown' })],
    ['a mistake of ours', new TypeError('x is undefined')],
  ])('stores no answer after %s, and takes the same body only', async (_what, failure) => {
    await expect(idempotency.run(request, () => Promise.reject(failure))).rejects.toBe(failure);
    const other = { ...request, body: { accountId: 'b', amount: 1.5 } };
    await expect(idempotency.run(other, work)).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: false });
  });

  it('does nothing while keys cannot be checked, whatever became of the claim', async () => {
    const lost = new AppError('unavailable', 'Redis is away.', { outcome: 'unknown' });
    const away = { claim: () => Promise.reject(lost) } as unknown as IdempotencyStore;
    const error = await new Idempotency(away).run(request, work).catch((thrown: unknown) => AppError.from(thrown));
    expect(error).toMatchObject({ code: 'unavailable', outcome: undefined, retryAfterMs: 2_000 });
    expect(done).toBe(0);
    expect(await new Idempotency(away).run({ ...request, key: undefined }, work)).toMatchObject({ replayed: false });
  });

  it('gives a true answer also when it cannot be noted', async () => {
    store.answered = () => Promise.reject(new AppError('unavailable', 'Redis is away.'));
    expect(await idempotency.run(request, work)).toEqual({ answer: { done: 1 }, replayed: false });
  });
});

describeIdempotencyStore('memory', () => new MemoryIdempotencyStore());

describe(MemoryIdempotencyStore.name, () => {
  it('takes as many keys as it may hold, and none more until one ends', async () => {
    let nowMs = 0;
    const idempotency = new Idempotency(new MemoryIdempotencyStore({ maxKeys: 2, now: () => nowMs }));
    const run = (key: string) =>
      idempotency.run({ ...request, key }, () => Promise.resolve({})).then(() => 'done', codeOf);
    expect([await run('a'), await run('b'), await run('c'), await run('a')]).toEqual([
      'done',
      'done',
      'unavailable',
      'done',
    ]);
    nowMs = 24 * hour;
    expect(await run('c')).toBe('done');
  });
});

describe('idempotencyKeyOf()', () => {
  const keyOf = (...rawHeaders: string[]) => idempotencyKeyOf({ rawHeaders });

  it('reads the header in whatever case its name is', () => {
    expect(keyOf('Host', 'x', 'IDEMPOTENCY-Key', 'abc')).toBe('abc');
    expect(keyOf('Host', 'x')).toBeUndefined();
  });

  it.each(['a', 'a'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"', '!~'])('takes %s', (key) => {
    expect(keyOf('Idempotency-Key', key)).toBe(key);
  });

  it.each([[['']], [['a'.repeat(256)]], [['a b']], [['é']], [['a\u0000']], [['a', 'a']], [['a', 'b']]])(
    'refuses %j',
    (keys) => {
      expect(() => keyOf(...keys.flatMap((key) => ['idempotency-key', key]))).toThrow('Send one Idempotency-Key');
    },
  );
});
