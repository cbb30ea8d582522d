import { atMost, retrying, type RetryOptions } from './timing';

describe(retrying.name, () => {
  const options = (more: Partial<RetryOptions> = {}): RetryOptions => ({
    ...{ timeoutMs: 5_000, firstMs: 1, maxMs: 2, isFinal: () => false },
    ...more,
  });

  it('tries again, after what is to be done before, until it succeeds', async () => {
    const done: string[] = [];
    const work = (attempt: number): Promise<string> => {
      done.push(`try ${attempt}`);
      return attempt < 2 ? Promise.reject(new Error('not yet')) : Promise.resolve('done');
    };
    const before = (): Promise<unknown> => Promise.resolve(done.push('before'));
    expect(await retrying(work, options({ before }))).toBe('done');
    expect(done).toEqual(['try 0', 'before', 'try 1', 'before', 'try 2']);
  });

  it('throws what is final at once, and what is not when the time is over', async () => {
    let tries = 0;
    const failing = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new Error(`failure ${tries}`));
    };
    await expect(retrying(failing, options({ isFinal: () => true }))).rejects.toThrow('failure 1');
    expect(tries).toBe(1);
    await expect(retrying(failing, options({ timeoutMs: 50 }))).rejects.toThrow('failure');
    expect(tries).toBeGreaterThan(2);
    const before = (): Promise<never> => Promise.reject(new Error('no more'));
    await expect(retrying(failing, options({ before }))).rejects.toThrow('no more');
  });
});

describe(atMost.name, () => {
  it('waits for the end, good or bad, and no longer than it may', async () => {
    await atMost(Promise.resolve(), 5_000);
    await atMost(Promise.reject(new Error('nobody asks')), 5_000);
    await atMost(new Promise(() => undefined), 10);
  });
});
