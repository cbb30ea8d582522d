import { stringifyJson, type JsonValue } from '@tidegate/contracts';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { cborFormat } from './cbor-format';
import { PayloadError } from './payload-format';

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
const decode = (bytes: Uint8Array) => cborFormat({ value: Buffer.from(bytes) }).value;
const textOf = (hex: string) => stringifyJson(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex')));
const problemOf = (hex: string) => {
  try {
    return `taken: ${textOf(hex)}`;
  } catch (error) {
    if (error instanceof PayloadError) return error.message;
    throw error;
  }
};

describe('cborFormat()', () => {
  it.each([
    ['a1 61 61 01', '{"a":1}'],
    ['bf 61 61 9f 01 20 ff ff', '{"a":[1,-1]}'],
    ['1b 0020000000000001', '9007199254740993'],
    ['3b ffffffffffffffff', '-18446744073709551616'],
    ['c2 49 010000000000000000', '18446744073709551616'],
    ['c3 49 010000000000000000', '-18446744073709551617'],
    ['c4 82 21 19 04ce', '12.30'],
    ['c4 82 21 20', '-0.01'],
    ['c4 82 22 c2 49 010000000000000000', '18446744073709551.616'],
    ['c4 82 05 03', '3e5'],
    ['c4 82 1b ffffffffffffffff 03', '3e18446744073709551615'],
    ['c4 82 3b ffffffffffffffff 03', '3e-18446744073709551616'],
    ['c4 82 00 03', '3'],
    ['f9 3e00', '1.5'],
    ['f9 0001', '5.960464477539063e-8'],
    ['f9 8000', '-0'],
    ['f9 7e00', 'null'],
    ['f9 fc00', 'null'],
    ['fa 47c35000', '100000'],
    ['fb 3ff199999999999a', '1.1'],
    ['7f 62 6162 61 63 ff', '"abc"'],
    ['43 010203', '"AQID"'],
    ['5f 41 01 42 0203 ff', '"AQID"'],
    ['a2 61 61 f7 61 62 f6', '{"b":null}'],
    ['82 f4 f5', '[false,true]'],
  ])('reads %s as %s', (hex, text) => {
    expect(textOf(hex)).toBe(text);
  });

  it.each([
    ['', 'it ends too early'],
    ['a1 61', 'a length goes beyond it'],
    ['01 01', 'CBOR: bytes follow the value'],
    ['a1 01 01', 'CBOR: a key is not text'],
    ['a2 61 61 01 61 61 02', 'CBOR: a key comes twice in a map'],
    ['c0 74 323031332d30332d32315432303a30343a30305a', 'CBOR: tag 0; bignums (2, 3) and decimals (4) are taken'],
    ['d9 d9f7 01', 'CBOR: tag 55799; bignums (2, 3) and decimals (4) are taken'],
    ['c4 81 01', 'CBOR: a decimal is a list of exponent and mantissa'],
    ['c4 82 61 61 01', 'CBOR: a decimal is made of two integers'],
    ['c2 01', 'CBOR: a bignum is a byte string'],
    ['61 ff', 'a text is not UTF-8'],
    ['7f 41 01 ff', 'CBOR: a piece of a string is of another kind'],
    ['7f 7f 61 61 ff ff', 'CBOR: a length of a kind that there is not'],
    ['5b 7fffffffffffffff', 'a length goes beyond it'],
    ['9b 7fffffffffffffff', 'it ends too early'],
    ['9f', 'it ends too early'],
    ['ff', 'CBOR: a simple value that is not taken'],
    ['f8 ff', 'CBOR: a simple value that is not taken'],
    ['1c', 'CBOR: a length of a kind that there is not'],
  ])('refuses %s', (hex, problem) => {
    expect(problemOf(hex)).toBe(problem);
  });

  it('reads a hundred levels, 250,000 values and integers of 128 bytes, and no more', () => {
    expect(problemOf(`${'81'.repeat(100)}01`)).toMatch(/^taken/);
    expect(problemOf(`${'81'.repeat(101)}01`)).toBe('nested more than 100 deep');
    expect(problemOf(`9a 0003d08f ${'80'.repeat(249_999)}`)).toMatch(/^taken/);
    expect(problemOf(`9a 0003d090 ${'80'.repeat(250_000)}`)).toBe('more than 250000 values');
    expect(problemOf(`c2 58 80 ${'ff'.repeat(128)}`)).toMatch(/^taken/);
    expect(problemOf(`c2 58 81 ${'ff'.repeat(129)}`)).toBe('an integer of more than 128 bytes');
  });

  it('lets a value neither inherit nor change what it is', () => {
    const value = decode(Buffer.from('a2695f5f70726f746f5f5fa1616101616201', 'hex'));
    expect(stringifyJson(value)).toBe('{"__proto__":{"a":1},"b":1}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('reads what cbor-x writes', () => {
    const key = fc.string({ maxLength: 8 }).filter((text) => text !== '__proto__');
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (written) => {
        expect(decode(encoder.encode(written))).toEqual(written);
      }),
    );
  });

  it('keeps every digit of what cbor-x writes as a bigint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (number) => {
        expect(stringifyJson(decode(encoder.encode([number])))).toBe(`[${number}]`);
      }),
    );
  });

  it('refuses whatever is no value, in no way but its own', () => {
    const wellBegun = fc.constantFrom(0x9f, 0xbf, 0xc4, 0xc2, 0x82, 0x61, 0x7f, 0x5f, 0xff, 0xf9, 0x00);
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), wellBegun);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 80 }), (bytes) => {
        const problem = problemOf(Buffer.from(bytes).toString('hex'));
        expect(typeof problem).toBe('string');
        expect(({} as Record<string, unknown>)['a']).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});
