import { randomBytes } from 'node:crypto';
import { MaskKeys } from './mask-keys';

describe(MaskKeys.name, () => {
  const secret = Buffer.alloc(32, 7);
  const keys = new MaskKeys(secret);

  it('gives the same for the same text in a tenant, in every process that has the secret', () => {
    const hash = keys.hasher('north')('person', 'Ann Other');
    expect(hash).toMatch(/^[\w-]{22}$/);
    expect(new MaskKeys(Buffer.from(secret)).hasher('north')('person', 'Ann Other')).toBe(hash);
    expect(keys.hasher('north')('person', 'Ann Other')).toBe(hash);
  });

  it('gives something else for another text, hash, tenant or secret', () => {
    const all = [
      keys.hasher('north')('person', 'Ann'),
      keys.hasher('north')('person', 'ann'),
      keys.hasher('north')('account', 'Ann'),
      keys.hasher('south')('person', 'Ann'),
      new MaskKeys(randomBytes(32)).hasher('north')('person', 'Ann'),
      keys.hasher('north')('person', ''),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
