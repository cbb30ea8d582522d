import { randomBytes } from 'node:crypto';
import { MaskKeys, maskKeySchema } from './mask-keys';

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

describe('maskKeySchema', () => {
  it('takes 32 bytes and more as base64url, and no fewer', () => {
    const text = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64url');
    expect(maskKeySchema.parse(text(32))).toHaveLength(32);
    expect(maskKeySchema.parse(text(64))).toHaveLength(64);
    for (const short of [text(31), '', 'a passphrase']) expect(maskKeySchema.safeParse(short).success).toBe(false);
  });
});
