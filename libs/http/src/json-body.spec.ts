import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { parseBody, pointerOf } from './json-body';

const bytes = (text: string) => Buffer.from(text);
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

function refusal(text: string | Buffer): AppError {
  try {
    parseBody(Buffer.from(text));
  } catch (error) {
    return AppError.from(error);
  }
  throw new Error('was taken');
}

describe(parseBody.name, () => {
  it('gives what JSON.parse gives, or refuses with a reason, for whatever text', () => {
    const almost = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '\\u0041', 'a', '1', ' ', '__proto__'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          almost.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            expect(parseBody(bytes(text))).toEqual(JSON.parse(text));
          } catch (error) {
            expect(['malformed', 'invalid_argument']).toContain(AppError.from(error).code);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes any value of ordinary keys', () => {
    const key = fc.string().filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name));
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value')),
      ),
    })).value;
    fc.assert(fc.property(value, (given) => expect(parseBody(bytes(JSON.stringify(given)))).toEqual(given)));
  });

  it('takes 20 levels and not 21, and does not mind brackets in strings', () => {
    expect(parseBody(bytes(deep(20)))).toBeDefined();
    expect(refusal(deep(21))).toMatchObject({ code: 'invalid_argument', details: [{ pointer: '/0'.repeat(20) }] });
    expect(parseBody(bytes(JSON.stringify('['.repeat(100))))).toBe('['.repeat(100));
    expect(refusal('['.repeat(60_000)).code).toBe('invalid_argument');
  });

  it.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['{"l":[1,{"x":{}},{"a":{"b":1,"c":[{}],"b":2}}]}', '/l/2/a/b'],
    ['{"__proto__":1}', '/__proto__'],
    ['[[],[{"\\u005f_proto__":1}]]', '/1/0/__proto__'],
    ['{"a":{"constructor":{}}}', '/a/constructor'],
    ['{"a/b":{"m~n":1,"m~n":2}}', '/a~1b/m~0n'],
  ])('refuses %s with the pointer %s', (text, pointer) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_argument', details: [{ pointer }] });
  });

  it.each([
    ['{"id":9007199254740993}', '/id'],
    ['{"l":[1,-9007199254740993]}', '/l/1'],
    ['{"a":{"b":1e999}}', '/a/b'],
    [`{"a":${'9'.repeat(400)}}`, '/a'],
    ['73314510714175489', ''],
  ])('refuses %s, which would come out as another number, with the pointer %s', (text, pointer) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_argument', details: [{ pointer }] });
  });

  it.each([
    '9007199254740992',
    '-9007199254740991',
    '100000000000000000000',
    '1.10',
    '0.1',
    '1e300',
    '"9007199254740993"',
  ])('takes %s', (text) => expect(parseBody(bytes(`[${text}]`))).toEqual([JSON.parse(text)]));

  it('takes the same key in different objects, and keys that only look alike', () => {
    const text = '[{"a":1},{"a":2,"b":{"a":3}},"__proto__",{"x":"constructor","_proto_":1}]';
    expect(parseBody(bytes(text))).toEqual(JSON.parse(text));
  });

  it('refuses what is empty, no UTF-8 or begins with a byte order mark', () => {
    expect(refusal('').message).toBe('The body is empty; send JSON.');
    expect(refusal(Buffer.from([0x22, 0xff, 0x22])).message).toBe('The body is not valid UTF-8.');
    expect(refusal(Buffer.from([0xef, 0xbb, 0xbf, 0x31])).code).toBe('malformed');
  });
});

describe(pointerOf.name, () => {
  it('is cut where a field name is as long as a body', () => {
    expect(pointerOf(['a'.repeat(199)])).toHaveLength(200);
    expect(pointerOf(['a'.repeat(60_000)])).toHaveLength(201);
  });
});
