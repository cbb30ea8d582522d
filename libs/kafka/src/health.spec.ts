import { KafkaHealth } from './health';

describe(KafkaHealth.name, () => {
  it('is well when all its sources are', async () => {
    expect(await new KafkaHealth([{ check: () => ({ ok: true }) }]).check()).toEqual({ ok: true });
  });

  it('gives every reason once', async () => {
    const down = { check: () => Promise.resolve({ ok: false as const, reason: 'broker away' }) };
    const stale = { check: () => ({ ok: false as const, reason: 'no fetch of orders' }) };
    expect(await new KafkaHealth([down, stale, down]).check()).toEqual({
      ok: false,
      reason: 'broker away; no fetch of orders',
    });
  });

  it('is required unless told otherwise', () => {
    expect([new KafkaHealth([]).required, new KafkaHealth([], { required: false }).required]).toEqual([true, false]);
  });
});
