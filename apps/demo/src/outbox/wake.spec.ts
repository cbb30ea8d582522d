import { Wake } from './wake';

describe(Wake.name, () => {
  it('sleeps until woken', async () => {
    const wake = new Wake();
    setTimeout(() => wake.now(), 5);
    await wake.within(60_000);
  });

  it('does not sleep when woken shortly before, but only once', async () => {
    const wake = new Wake();
    wake.now();
    await wake.within(60_000);
    const startedAt = performance.now();
    await wake.within(30);
    expect(performance.now() - startedAt).toBeGreaterThan(20);
  });
});
