import fc from 'fast-check';
import { masked, milder } from './mask';

describe('masked()', () => {
  it.each([
    ['redact', 'DE8937', '***'],
    [{ keepLast: 4 }, 'DE8937', '***8937'],
    [{ keepFirst: 2 }, 'DE8937', 'DE***'],
    [{ keepLast: 6 }, 'DE8937', '***'],
    [{ keepFirst: 7 }, 'DE8937', '***'],
    [{ keepLast: 5 }, 'DE8937', '***E8937'],
    ['redact', '', '***'],
    [{ keepLast: 1 }, '', '***'],
  ] as const)('shows of %j of %p: %p', (mask, value, expected) => {
    expect(masked(mask, true, value)).toBe(expected);
  });

  it('redacts text that is none, and says null of anything that is not meant to be text', () => {
    for (const value of [null, 12, true, [], {}, ['abcdef']]) {
      expect(masked({ keepLast: 1 }, true, value)).toBe('***');
      expect(masked('redact', true, value)).toBe('***');
      expect(masked('redact', false, value)).toBeNull();
    }
    expect(masked('redact', false, 'abc')).toBeNull();
  });

  it('does not cut characters in half', () => {
    expect(masked({ keepLast: 1 }, true, 'ab😀')).toBe('***');
    expect(masked({ keepFirst: 1 }, true, '😀ab')).toBe('***');
    expect(masked({ keepLast: 3 }, true, 'ab😀c')).toBe('***😀c');
  });

  it('shows no more than it keeps, and nothing of text that is no longer than that', () => {
    const count = fc.integer({ min: 1, max: 64 });
    const halfCharacter = /\p{Surrogate}/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), count, (text, kept) => {
        for (const mask of [{ keepFirst: kept }, { keepLast: kept }]) {
          const shown = masked(mask, true, text) as string;
          expect(shown.length).toBeLessThanOrEqual(3 + kept);
          if (text.length <= kept) expect(shown).toBe('***');
          if (!halfCharacter.test(text)) expect(shown).not.toMatch(halfCharacter);
        }
      }),
    );
  });
});

describe('milder()', () => {
  it('is the mask that shows more, in either order', () => {
    const order = ['redact', { keepFirst: 2 }, { keepLast: 2 }, { keepFirst: 3 }, { keepLast: 9 }] as const;
    order.forEach((mask, index) => {
      for (const weaker of order.slice(0, index + 1)) {
        expect(milder(mask, weaker)).toEqual(mask);
        expect(milder(weaker, mask)).toEqual(mask);
      }
    });
  });
});
