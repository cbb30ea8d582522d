import type { Mask } from '@tidegate/catalog';
import { parseJson } from '@tidegate/contracts';
import fc from 'fast-check';
import { masked, mostGenerousFirst } from './mask';

const text = (mask: Mask, value: Parameters<typeof masked>[2]) => masked([mask], true, value);
const generalised = (generalise: number, value: Parameters<typeof masked>[2]) => masked([{ generalise }], false, value);

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
    [{ generalise: 'year' }, '2026-11-25T10:24:11.376Z', '2026'],
    [{ generalise: 'month' }, '2026-11-25T10:24:11Z', '2026-11'],
    [{ generalise: 'day' }, '2026-11-25T10:24:11Z', '2026-11-25'],
    [{ generalise: 'hour' }, '2026-11-25T10:24:11Z', '2026-11-25T10:00Z'],
    [{ generalise: 'day' }, '2026-11-25T23:30:00-05:00', '2026-11-26'],
    [{ generalise: 'hour' }, '2026-11-25T23:30:00+05:30', '2026-11-25T18:00Z'],
    [{ generalise: 'year' }, '1980-05-17', '1980'],
    [{ generalise: 'hour' }, '1980-05-17', '1980-05-17'],
    [{ generalise: 'year' }, '9999-12-31T23:30:00-05:00', '***'],
    [{ generalise: 'year' }, '2026-11-25T10:24:11', '***'],
    [{ generalise: 'year' }, '2026-13-45T99:99:99+01:00', '***'],
    [{ generalise: 'year' }, '2026 was a good year', '***'],
  ] as const)('shows of %j of %p: %p', (mask, value, expected) => {
    expect(text(mask, value)).toBe(expected);
  });

  it.each([
    [100, 12_345.67, 12_300],
    [100, -0.01, -100],
    [100, 0, 0],
    [100, -0, 0],
    [100, 99.999_999_9, 0],
    [0.1, 0.3, 0.3],
    [0.1, 0.299_999_999_9, 0.2],
    [0.25, 46.948, 46.75],
    [7, -14, -14],
    [1e12, 5e14, 5e14],
    [1e-6, 1.000_000_9, 1],
  ])('shows by ranges of %p of %p: %p', (width, value, expected) => {
    expect(generalised(width, value)).toBe(expected);
  });

  it('says by ranges of a 64-bit integer what a double could not', () => {
    expect(JSON.stringify(generalised(10, parseJson('9007199254740993')))).toBe('9007199254740990');
    expect(JSON.stringify(generalised(10, parseJson('-9007199254740993')))).toBe('-9007199254741000');
    expect(generalised(10, parseJson('1.10'))).toBe(0);
    for (const source of ['1e300', '12345678901234567890.5', '123456789012345678901', '1e999']) {
      expect(generalised(10, parseJson(source))).toBeNull();
    }
    expect(generalised(0.5, parseJson('9007199254740993'))).toBeNull();
  });

  it('puts a number into the range that it is in', () => {
    const width = fc.oneof(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 999 }).map((n) => n / 1_000),
    );
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), width, (value, wide) => {
        const lower = generalised(wide, value) as number;
        expect(lower).toBeLessThanOrEqual(value);
        expect(Number((lower + wide).toFixed(6))).toBeGreaterThan(value);
        const count = lower / wide;
        expect(Math.abs(count - Math.round(count))).toBeLessThan(1e-6);
      }),
    );
  });

  it('hashes text by the name of the hash, and redacts where there is no key', () => {
    const hasher = (name: string, value: string) => `${name}(${value})`;
    expect(masked([{ hash: 'person' }], true, 'Ann', hasher)).toBe('person(Ann)');
    expect(masked([{ hash: 'person' }], true, 12, hasher)).toBe('***');
    expect(masked([{ hash: 'person' }], true, 'Ann')).toBe('***');
  });

  it('redacts text that is none, and says null of anything that is not meant to be text', () => {
    for (const value of [null, 12, true, [], {}, ['abcdef'], parseJson('1.10')]) {
      for (const mask of [{ keepLast: 1 }, 'redact', { hash: 'x' }, { generalise: 'year' }] as const) {
        expect(masked([mask], true, value, (_, it) => it)).toBe('***');
      }
      expect(masked(['redact'], false, value)).toBeNull();
    }
    for (const value of ['abc', '12', null, true, [12], { rawJSON: '12' }]) {
      expect(masked(['redact'], false, value)).toBeNull();
      expect(generalised(10, value)).toBeNull();
    }
  });

  it('does not cut characters in half', () => {
    expect(text({ keepLast: 1 }, 'ab😀')).toBe('***');
    expect(text({ keepFirst: 1 }, '😀ab')).toBe('***');
    expect(text({ keepLast: 3 }, 'ab😀c')).toBe('***😀c');
  });

  it('shows no more than it keeps, and nothing of text that is no longer than that', () => {
    const count = fc.integer({ min: 1, max: 64 });
    const halfCharacter = /\p{Surrogate}/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), count, (value, kept) => {
        for (const mask of [{ keepFirst: kept }, { keepLast: kept }]) {
          const shown = text(mask, value) as string;
          expect(shown.length).toBeLessThanOrEqual(3 + kept);
          if (value.length <= kept) expect(shown).toBe('***');
          if (!halfCharacter.test(value)) expect(shown).not.toMatch(halfCharacter);
        }
      }),
    );
  });

  it('takes the next mask where one does not fit the value', () => {
    const masks = mostGenerousFirst([{ keepLast: 40 }], [{ hash: 'x' }, { keepFirst: 2 }]);
    expect(masked(masks, true, 'DE8937', () => '#')).toBe('DE***');
    expect(masked(masks, true, 'DE', () => '#')).toBe('#');
    expect(masked(masks, true, 'DE')).toBe('***');
  });
});

describe('mostGenerousFirst()', () => {
  it('orders texts from a hash to ever longer parts, in either order of grants', () => {
    const order: Mask[] = [
      { keepLast: 14 },
      { generalise: 'hour' },
      { keepFirst: 11 },
      { generalise: 'day' },
      { keepFirst: 10 },
      { generalise: 'month' },
      { generalise: 'year' },
      { keepLast: 2 },
      { keepFirst: 2 },
      { keepFirst: 1 },
      { hash: 'a' },
      { hash: 'b' },
    ];
    expect(mostGenerousFirst(order.toReversed(), order)).toEqual(order);
  });

  it('orders numbers by the width of their ranges, and keeps redaction only where it is alone', () => {
    const order: Mask[] = [{ generalise: 0.1 }, { generalise: 10 }, { generalise: 1_000 }];
    expect(mostGenerousFirst(['redact', ...order.toReversed()], ['redact'])).toEqual(order);
    expect(mostGenerousFirst(['redact'], ['redact'])).toEqual(['redact']);
  });
});
