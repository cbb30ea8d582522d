import fc from 'fast-check';
import { generateApiKey, hashApiKey, parseApiKey } from './api-key';

// The tool that makes development keys writes the same format on its own.
const golden = 'tg_dev_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV_2iWI1x';

describe('parseApiKey()', () => {
  it('takes a key apart', () => {
    expect(parseApiKey(golden)).toEqual({
      environment: 'dev',
      id: '0123456789AB',
      signed: 'tg_dev_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV',
    });
  });

  it('takes every key that was generated, each another', () => {
    const keys = Array.from({ length: 200 }, () => generateApiKey('live'));
    expect(new Set(keys).size).toBe(200);
    for (const key of keys) expect(parseApiKey(key)?.environment).toBe('live');
  });

  it.each([
    ['nothing', ''],
    ['another checksum', golden.replace(/x$/, 'y')],
    ['another secret', golden.replace('V_', 'W_')],
    ['another case', golden.toUpperCase()],
    ['a space behind', `${golden} `],
    ['a line break behind', `${golden}\n`],
    ['a part less', golden.slice(0, golden.lastIndexOf('_'))],
    ['a part more', `${golden}_x`],
    ['two keys', `${golden}, ${golden}`],
    ['another prefix', golden.replace('tg', 'sk')],
    ['a long tail', golden + 'a'.repeat(100_000)],
  ])('refuses %s', (_what, text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  it('never throws, and takes no text that is one character away from a key', () => {
    fc.assert(
      fc.property(fc.nat(golden.length - 1), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (at, other) => {
        const text = golden.slice(0, at) + other + golden.slice(at + 1);
        expect(parseApiKey(text) !== undefined).toBe(text === golden);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(parseApiKey(text)).toBeUndefined()));
  });
});

describe('hashApiKey()', () => {
  it('is HMAC-SHA-256 under the pepper', () => {
    const parsed = parseApiKey(golden);
    const hash = (pepper: string) => parsed && hashApiKey(parsed, pepper).toString('base64url');
    expect(hash('p'.repeat(32))).toBe('3jvv6hCGIcWJpzddZ7kgGZvoJAtbpbVhpcrq4vYS3uk');
    expect(hash('q'.repeat(32))).not.toBe(hash('p'.repeat(32)));
  });
});
