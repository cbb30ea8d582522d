import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { isRawNumber, numberOf, parseJson, parseJsonText, stringifyJson, type JsonObject } from './json';

const object = (text: string) => parseJson(text) as JsonObject;

describe('parseJson() and stringifyJson()', () => {
  // Others rounded 64-bit ids and turned 1e999 into null: redpanda-data/console#630, tulios/kafkajs#448.
  it.each([
    '{"id":9007199254740993,"t":73314510714175488,"p":1.10,"x":1e999}',
    '[1.0,-0,0.0000001,1E5,1e+5,123456789012345678901234567890.5,-1.50]',
    '9007199254740993',
    '{"nested":{"list":[1.10,{"deep":1e-400}]}}',
  ])('keep the digits of %s', (text) => {
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it('keep every number that JSON can write', () => {
    const digits = fc.stringMatching(/^\d{1,22}$/);
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.stringMatching(/^(0|[1-9]\d{0,21})$/),
        fc.option(digits, { nil: undefined }),
        fc.option(fc.stringMatching(/^[eE][+-]?\d{1,3}$/), { nil: undefined }),
      )
      .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction ? `.${fraction}` : ''}${exponent ?? ''}`);
    const text = fc
      .tuple(number, number, fc.string())
      .map(([a, b, s]) => `{"a":${a},"s":${JSON.stringify(s)},"l":[${b}]}`);
    fc.assert(fc.property(text, (json) => stringifyJson(parseJson(json)) === json));
  });

  it('agree with JSON on any value', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(stringifyJson(parseJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keep a plain number where a double says the same', () => {
    const row = object('{"a":1,"b":-12.5,"c":123456789012345,"d":0.001,"e":1e999}');
    expect([row['a'], row['b'], row['c'], row['d']]).toEqual([1, -12.5, 123456789012345, 0.001]);
    expect(isRawNumber(row['e'])).toBe(true);
    expect(isRawNumber(row['a'])).toBe(false);
    expect(isRawNumber({ rawJSON: '1' })).toBe(false);
  });

  it('are not fooled by digits, quotes and backslashes inside strings', () => {
    const text = JSON.stringify({ 'a":1.10,"b': '\\', c: '\\"1.10', d: 'x\\\\', e: 2 });
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it('keep lone surrogates and NUL apart', () => {
    const text = '["\\ud800","\\ud801","\\u0000"]';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  // O-28 of others: pathosDev/actor-ts#581, nestjs/nest#16050.
  it.each(['', ',"n":1.10'])('keep prototype names as own data (with %p)', (extra) => {
    const text = `{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}${extra}}`;
    const row = object(text);
    expect(row['isAdmin']).toBeUndefined();
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(Object.hasOwn(row, '__proto__')).toBe(true);
    expect(stringifyJson(row)).toBe(text);
    expect(({} as JsonObject)['x']).toBeUndefined();
  });

  it.each(['{"t":"north","t":"south"}', '{"t":"north","n":1.10,"t":"south"}'])(
    'take the last of duplicate keys',
    (text) => {
      expect(object(text)['t']).toBe('south');
    },
  );
});

describe('parseJson()', () => {
  it.each(['', '{', '{"a":01}', "{'a':1}", '[1.10', '{"a":1.1.0}', 'NaN', '"\n"', '[1e]'])('refuses %p', (text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'malformed' }) as Error);
  });

  it('fails with AppErrors only, whatever the text', () => {
    const alphabet = fc.constantFrom(...'{}[]":,.\\0123456789-+eE ntf\u0000é');
    fc.assert(
      fc.property(fc.string({ unit: alphabet }), (text) => {
        try {
          parseJson(text);
          JSON.parse(text);
        } catch (error) {
          expect(AppError.is(error)).toBe(true);
          expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
        }
      }),
    );
  });

  it('accepts 200 levels and refuses 201', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(stringifyJson(parseJson(nested(200)))).toBe(nested(200));
    expect(() => parseJson(nested(201))).toThrow('nested deeper than 200 levels');
    expect(parseJson(`[${'[],'.repeat(500)}1]`)).toHaveLength(501);
  });
});

describe('keys with escapes', () => {
  it('are what they say, whatever keys were met before', () => {
    // V8 reads the second text's as "tenantI\\" after the first: nodejs/node#63785.
    expect(Object.keys(object('{"id":1,"tenantI\\\\":1}'))).toEqual(['id', 'tenantI\\']);
    expect(Object.keys(object('{"id":1,"tenantI\\u0064":1}'))).toEqual(['id', 'tenantId']);
    expect(Object.keys(object('{"id":1,"tenantI\\"":1.10}'))).toEqual(['id', 'tenantI"']);
  });

  it('are those of any object, with any escapes', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('a', '\\', '"', '\ud800', '__proto__', '\n'));
    const escaped = (text: string) =>
      [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
    const pair = fc
      .tuple(key, fc.boolean())
      .map(([name, all]) => ({ name, written: all ? `"${escaped(name)}"` : JSON.stringify(name) }));
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const text = (depth: number): string =>
          `{${pairs.map(({ written }, at) => `${written}:${depth > 0 ? `[${text(0)}]` : at}`).join(',')}}`;
        const last = Object.fromEntries(pairs.map(({ name }, at) => [name, at]));
        expect(parseJson(text(0))).toEqual(last);
        expect(parseJson(text(1))).toEqual(Object.fromEntries(Object.keys(last).map((name) => [name, [last]])));
      }),
    );
  });

  it.each(['{"a\\n"::1}', '{"a\\n":[:1]}', '{"\\x":1}', '{"\\n":1', '{"\\', '"\\n":1'])('fail in %s', (text) => {
    expect(() => parseJson(text)).toThrow('not valid JSON');
  });
});

describe('parseJsonText()', () => {
  it.each([
    '{"a":1,"b":{"a":[{"a":1},{"a":2}]}}',
    '{"id":9007199254740993,"t":[{"x":1.10}]}',
    '{ "a" : "x:y\\":" , "b" : [ ] }',
    '{"__proto__":{"a":1},"constructor":2}',
    '[]',
    '1.10',
    'null',
  ])('takes %s as it is', (text) => {
    expect(parseJsonText(text)).toEqual({ value: parseJson(text), faithful: true });
  });

  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":1,"\\u0062":2}',
    '[{"b":{"a":{},"a":{}}}]',
    '{"__proto__":1,"__proto__":2}',
    '{"a":1.10,"a":9007199254740993}',
    '{"a":1,\n"b":2}',
    '{"a":1}\r',
  ])('does not take %s as it is', (text) => {
    expect(parseJsonText(text)).toEqual({ value: parseJson(text), faithful: false });
  });

  it('never takes a text as it is in which a key stands twice, at whatever depth', () => {
    const key = fc.constantFrom('a', 'b', '__proto__', ':', '"', '\\', 'x\\y');
    const { text } = fc.letrec<{ text: string; pair: string }>((tie) => ({
      text: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('1', '1.10', '"x"', 'null', '9007199254740993'),
        fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
        fc.array(tie('pair'), { maxLength: 4 }).map((pairs) => `{${pairs.join(',')}}`),
      ),
      pair: fc.tuple(key, tie('text')).map(([name, value]) => `${JSON.stringify(name)}:${value}`),
    }));
    fc.assert(
      fc.property(text, (json) => {
        const { value, faithful } = parseJsonText(json);
        expect(faithful).toBe(!json.includes('\\') && stringifyJson(value) === json);
      }),
    );
  });
});

describe('numberOf()', () => {
  it.each(['0', '-1', '1.5', '9007199254740991'])('is a plain number for %s', (digits) => {
    expect(numberOf(digits)).toBe(Number(digits));
  });

  it.each(['-0', '1.50', '9007199254740993', '1e400', '123e5'])('keeps the digits of %s', (digits) => {
    expect(isRawNumber(numberOf(digits))).toBe(true);
    expect(stringifyJson(numberOf(digits))).toBe(digits);
  });
});
