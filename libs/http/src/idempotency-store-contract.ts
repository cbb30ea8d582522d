import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Claimant, IdempotencyStore } from './idempotency-store';

const leaseMs = 10_000;

/** What every store keeps to. */
export function describeIdempotencyStore(name: string, open: () => IdempotencyStore): void {
  describe(`${name} as a store of idempotency keys`, () => {
    let store: IdempotencyStore;
    let first: Claimant;
    let again: Claimant;

    beforeEach(() => {
      store = open();
      first = { id: randomUUID(), fingerprint: 'f1', attempt: 'first' };
      again = { ...first, attempt: 'again' };
    });

    it('gives a key to one of many', async () => {
      const attempts = Array.from({ length: 20 }, (_, attempt) => ({ ...first, attempt: String(attempt) }));
      const claims = await Promise.all(attempts.map((claimant) => store.claim(claimant, leaseMs)));
      expect(claims.map(({ kind }) => kind).sort()).toEqual(['claimed', ...Array<string>(19).fill('running')]);
    });

    it('keeps the answer, and the body that it belongs to', async () => {
      await store.claim(first, leaseMs);
      await store.answered(first, '{"big":9007199254740993}');
      expect(await store.claim(again, leaseMs)).toEqual({ kind: 'answered', answer: '{"big":9007199254740993}' });
      expect(await store.claim({ ...again, fingerprint: 'f2' }, leaseMs)).toEqual({ kind: 'mismatch' });
    });

    it('refuses another body while the first is in work', async () => {
      await store.claim(first, leaseMs);
      expect(await store.claim({ ...again, fingerprint: 'f2' }, leaseMs)).toEqual({ kind: 'mismatch' });
    });

    it('forgets a key, so that any body may come', async () => {
      await store.claim(first, leaseMs);
      await store.forget(first);
      expect(await store.claim({ ...again, fingerprint: 'f2' }, leaseMs)).toEqual({ kind: 'claimed' });
    });

    it('opens a key again for the same body only', async () => {
      await store.claim(first, leaseMs);
      await store.reopen(first);
      expect(await store.claim({ ...again, fingerprint: 'f2' }, leaseMs)).toEqual({ kind: 'mismatch' });
      expect(await store.claim(again, leaseMs)).toEqual({ kind: 'claimed' });
    });

    it('gives a silent attempt up after its lease, and hears no more of it', async () => {
      await store.claim(first, 500);
      expect(await store.claim(again, leaseMs)).toEqual({ kind: 'running' });
      await sleep(550);
      expect(await store.claim(again, leaseMs)).toEqual({ kind: 'claimed' });
      await store.answered(first, '{"late":1}');
      await store.forget(first);
      await store.reopen(first);
      expect(await store.claim({ ...first, attempt: 'third' }, leaseMs)).toEqual({ kind: 'running' });
      await store.answered(again, '{}');
      expect(await store.claim(first, leaseMs)).toEqual({ kind: 'answered', answer: '{}' });
    });
  });
}
