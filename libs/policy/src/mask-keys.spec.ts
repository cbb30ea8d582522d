import fc from 'fast-check';
import { createHmac, randomBytes } from 'node:crypto';
import { hmacSha256, MaskKeys, maskKeySchema } from './mask-keys';

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

describe('hmacSha256()', () => {
  it('is what Node calls so', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 64 });
    fc.assert(
      fc.property(key, fc.string({ unit: 'binary', maxLength: 200 }), (bytes, text) => {
        const expected = createHmac('sha256', bytes).update(text).digest('base64url');
        expect(hmacSha256(Buffer.from(bytes))(text)).toBe(expected);
      }),
    );
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
