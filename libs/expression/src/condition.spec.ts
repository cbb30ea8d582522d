import {
  contractShapes,
  parseJson,
  type JsonObject,
  type JsonValue,
  type ObjectShape,
  type Shape,
} from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { compileCondition, Condition } from './condition';

const order = contractShapes.order;
const sub: JsonObject = { id: '13', tenant: 'north', roles: ['customer'], claims: {} };
const row: JsonObject = {
  orderId: '7',
  customerId: '13',
  total: 12.5,
  status: 'placed',
  internalNotes: null,
  lines: [
    { sku: 'a', quantity: 2 },
    { sku: 'b', quantity: 1 },
  ],
};

const verdict = (source: string, change: JsonObject = {}, claims: JsonObject = {}) =>
  compileCondition(source, { row: order }).evaluate({ row: { ...row, ...change }, sub: { ...sub, claims } });

const refusalOf = (source: string, shape: ObjectShape = order): string => {
  try {
    compileCondition(source, { row: shape });
  } catch (error) {
    expect(AppError.from(error).code).toBe('invalid_argument');
    return (error as Error).message;
  }
  return 'compiled';
};

describe(Condition.name, () => {
  it.each([
    ['row.customerId == sub.id', 'match'],
    ['row.customerId != sub.id', 'no-match'],
    ['row["customerId"] == sub.id', 'match'],
    ['row.total > 12.0 && row.status in ["placed", "paid"]', 'match'],
    ['row.total == 12.5', 'match'],
    ['row.total > 12', 'match'],
    ['row.total + 1.0 == 13.5', 'match'],
    ['row.lines.exists(l, l.sku == "b" && l.quantity == 1.0)', 'match'],
    ['row.lines.all(l, l.quantity > 1.0)', 'no-match'],
    ['size(row.lines) == 2', 'match'],
    ['row.internalNotes == null', 'match'],
    ['"customer" in sub.roles', 'match'],
    ['row.customerId.startsWith("1") ? sub.tenant == "north" : false', 'match'],
    ['timestamp("2026-01-01T00:00:00Z") < timestamp("2026-01-01T00:00:01Z")', 'match'],
    ['timestamp("2026-01-01T00:00:00Z") + duration("1s") == timestamp("2026-01-01T00:00:01Z")', 'match'],
    ['type(row.total) == double && type(row.internalNotes) == type(null)', 'match'],
  ])('says of %s: %s', (source, expected) => {
    expect(verdict(source)).toBe(expected);
  });

  it('notes what it reads', () => {
    const source =
      'row.customerId == sub.id && row["status"] == sub.claims.status && row.lines.exists(l, l.sku in sub.roles)';
    const { uses } = compileCondition(source, { row: order });
    expect(uses).toEqual({
      row: ['customerId', 'status', 'lines'],
      paths: ['customerId', 'status', 'lines.sku'],
      sub: [['id'], ['claims', 'status'], ['roles']],
    });
    expect(compileCondition('"x" in sub.claims', { row: order }).uses.sub).toEqual([['claims']]);
    const dotted = 'row.storeId == sub.claims["https://x.example/a.b"].c && has(sub.claims.d)';
    expect(compileCondition(dotted, { row: order }).uses.sub).toEqual([
      ['claims', 'https://x.example/a.b'],
      ['claims', 'd'],
    ]);
  });

  it.each<[string, string[]]>([
    ['row.home.city == "Bern"', ['home.city']],
    ['row["home"]["geo"].lat > 1.0 && has(row.home.city)', ['home.geo.lat', 'home.city']],
    ['row.lines.exists(l, l.sku == "a")', ['lines.sku']],
    ['row.lines.exists(l, l["sku"] == sub.id && l.price > 1.0)', ['lines.sku', 'lines.price']],
    ['row.lines.exists(l, true)', ['lines']],
    ['row.lines.all(l, row.id == "x")', ['id', 'lines']],
    ['row.lines.exists(l, row.id == "x")', ['id', 'lines']],
    ['row.id != "" && row.lines.map(l, row.id).size() == 2', ['id', 'lines']],
    ['row.lines.exists(l, l in [l])', ['lines']],
    ['row.lines.map(l, l).exists(m, m.price > 1.0)', ['lines']],
    ['row.lines.map(l, l.sku).exists(s, s == "a")', ['lines.sku']],
    ['row.lines.map(l, l.price > 1.0, l.sku) == ["a"]', ['lines.price', 'lines.sku']],
    ['row.lines.filter(l, l.sku == "a")[0].price > 1.0', ['lines']],
    ['row.lines.filter(l, l.sku == "a").exists(m, m.price > 1.0)', ['lines']],
    ['row.lines[0].price > 1.0', ['lines']],
    ['size(row.lines) > 1', ['lines']],
    ['row.stores["stock"].buyer == "Ann"', ['stores']],
    ['row.stores.stock.buyer == "Ann"', ['stores']],
    ['row.stores.exists(k, row.stores[k].buyer == "Ann")', ['stores']],
    ['row.notes.anything.at.all == 1', ['notes']],
    ['row.lists.exists(l, size(l) > 1)', ['lists']],
  ])('notes how deep %s reads: %j', (source, paths) => {
    const text = { kind: 'string' } as const;
    const number = { kind: 'number' } as const;
    const object = (fields: Record<string, Shape>) =>
      ({ kind: 'object', fields: new Map(Object.entries(fields)) }) as const;
    const shape = object({
      id: text,
      home: object({ city: text, geo: object({ lat: number }) }),
      lines: { kind: 'list', of: object({ sku: text, price: number }) },
      stores: { kind: 'map', of: object({ stock: number, buyer: text }) },
      lists: { kind: 'list', of: { kind: 'list', of: text } },
      notes: { kind: 'any' },
    });
    expect(compileCondition(source, { row: shape }).uses.paths).toEqual(paths);
  });

  // Filters of others let everything through when a claim was missing or of another type: metabase#81821, WaveHouse#385.
  describe('never matches on a claim that is missing or of the wrong type', () => {
    const wrong: [string, JsonValue | undefined][] = [
      ['absent', undefined],
      ['null', null],
      ['an empty list', []],
      ['a list', ['13']],
      ['a number', 13],
      ['a boolean', true],
      ['an object', { id: '13' }],
      ['a raw number', parseJson('9007199254740993')],
    ];
    const filters = [
      'row.customerId == sub.claims.c',
      'row.customerId != sub.claims.c',
      '!(row.customerId == sub.claims.c)',
      'sub.claims.c != row.customerId',
      'row.customerId > sub.claims.c',
      'row.customerId <= sub.claims.c',
      'row.lines.all(l, l.sku != sub.claims.c)',
      'row.lines.exists(l, l.sku != sub.claims.c)',
      '!row.lines.exists(l, l.sku == sub.claims.c)',
      '{"a": row.customerId} != {"a": sub.claims.c}',
      '[row.customerId] != [sub.claims.c]',
      'row.customerId != sub.claims["c"]',
      'timestamp("2026-01-01T00:00:00Z") != sub.claims.c',
      'sub.claims.c != timestamp("2026-01-01T00:00:00Z")',
      'type(row.customerId) != sub.claims.c',
    ];
    it.each(filters.flatMap((filter) => wrong.map(([name, claim]) => [filter, name, claim] as const)))(
      '%s with %s',
      (filter, _name, claim) => {
        expect(verdict(filter, {}, claim === undefined ? {} : { c: claim })).toBe('error');
      },
    );

    it.each<[JsonValue | undefined]>([
      [undefined],
      [null],
      ['13'],
      ['14'],
      [13],
      [[13]],
      [[13, '14']],
      [['14', null]],
      [{ 14: true }],
      [parseJson('1.10')],
    ])('!(row.customerId in sub.claims.c) with %j', (claim) => {
      const claims: JsonObject = claim === undefined ? {} : { c: claim };
      expect(verdict('!(row.customerId in sub.claims.c)', {}, claims)).toBe('error');
      expect(verdict('!(timestamp("2026-01-01T00:00:00Z") in sub.claims.c)', {}, claims)).toBe('error');
    });

    it('and takes a list of the right type, also an empty one', () => {
      expect(verdict('!(row.customerId in sub.claims.c)', {}, { c: [] })).toBe('match');
      expect(verdict('!(row.customerId in sub.claims.c)', {}, { c: ['14'] })).toBe('match');
      expect(verdict('row.customerId in sub.claims.c', {}, { c: ['14', '13'] })).toBe('match');
      expect(verdict('row.customerId in sub.claims.c', {}, { c: ['14'] })).toBe('no-match');
    });
  });

  it.each<[string, JsonValue | undefined]>([
    ['missing', undefined],
    ['null', null],
    ['a number', 5],
    ['a list', []],
    ['an object', {}],
    ['a raw number', parseJson('1.10')],
  ])('is an error when the field is %s', (_name, value) => {
    const { customerId: _, ...rest } = row;
    const changed: JsonObject = value === undefined ? rest : { ...rest, customerId: value };
    for (const source of [
      'row.customerId == sub.id',
      'row.customerId != sub.id',
      '!(row.customerId in ["7"])',
      'row.customerId > "0"',
    ]) {
      expect(compileCondition(source, { row: order }).evaluate({ row: changed, sub })).toBe('error');
    }
  });

  it.each(['5', null, [], {}, true])('is an error when a number field is %j', (total) => {
    for (const source of ['row.total > 1.0', 'row.total != 1.0', '!(row.total == 1.0)', '!(row.total in [1.0])'])
      expect(verdict(source, { total })).toBe('error');
  });

  it('has no tenant for a caller without one', () => {
    const { tenant: _, ...nobody } = sub;
    const condition = compileCondition('sub.tenant != "south"', { row: order });
    expect(condition.evaluate({ row, sub: nobody })).toBe('error');
    expect(condition.evaluate({ row, sub })).toBe('match');
  });

  it('absorbs errors as CEL does: only where the other side decides', () => {
    expect(verdict('sub.claims.c == "x" || row.status == "placed"')).toBe('match');
    expect(verdict('sub.claims.c == "x" && row.status == "paid"')).toBe('no-match');
    expect(verdict('sub.claims.c == "x" || row.status == "paid"')).toBe('error');
    expect(verdict('!(sub.claims.c == "x" && row.status == "placed")')).toBe('error');
  });

  it('lets authors ask whether a field is there', () => {
    expect(verdict('has(sub.claims.c) && sub.claims.c == "x"')).toBe('no-match');
    expect(verdict('!has(sub.claims.c)')).toBe('match');
    const { status: _, ...rest } = row;
    expect(compileCondition('has(row.status)', { row: order }).evaluate({ row: rest, sub })).toBe('no-match');
  });

  it('compares 64-bit integers and decimals by their value', () => {
    const total = (text: string) => ({ total: parseJson(text) });
    expect(verdict('row.total == 1.1', total('1.10'))).toBe('match');
    expect(verdict('row.total > 9007199254740992.0', total('9007199254740993'))).toBe('match');
    expect(verdict('row.total == 9007199254740992.0', total('9007199254740993'))).toBe('no-match');
    expect(verdict('row.total > 1.0', total('1e999'))).toBe('match');
    expect(verdict('row.total > 1.0', total('9'.repeat(100_000)))).toBe('match');
    expect(verdict('row.lines.exists(l, l.quantity == 1.0)', { lines: [{ quantity: parseJson('1.0') }] })).toBe(
      'match',
    );
  });

  it('is not moved by keys with prototype names', () => {
    const hostile = parseJson(
      '{"__proto__":{"customerId":"13"},"constructor":{"prototype":{}},"customerId":"14","lines":[{"sku":"b","constructor":"x","__proto__":{}}]}',
    ) as JsonObject;
    const evaluate = (source: string) => compileCondition(source, { row: order }).evaluate({ row: hostile, sub });
    expect(evaluate('row.customerId == sub.id')).toBe('no-match');
    expect(evaluate('row.customerId == "14"')).toBe('match');
    expect(evaluate('row.lines.exists(l, l.sku == "b")')).toBe('match');
    const { customerId: _, ...rest } = row;
    const inherited = Object.create({ customerId: '13' }) as JsonObject;
    expect(
      compileCondition('row.customerId == sub.id', { row: order }).evaluate({
        row: Object.assign(inherited, rest),
        sub,
      }),
    ).toBe('error');
    expect(verdict('"toString" in sub.claims')).toBe('no-match');
    expect(verdict('has(sub.claims.constructor)')).toBe('no-match');
  });

  it('never throws, whatever the row and the claims are', () => {
    const conditions = [
      'row.customerId == sub.id || row.total > sub.claims.t',
      'row.lines.exists(l, l.sku in sub.roles && l.quantity < sub.claims.t)',
      'row.internalNotes != sub.claims.t || has(row.status)',
      'row.lines.map(l, l.quantity).size() > 1 && row.lines.filter(l, l.sku.startsWith("a")).size() == 1',
    ].map((source) => compileCondition(source, { row: order }));
    const value = fc.jsonValue() as fc.Arbitrary<JsonValue>;
    const hostile = fc.dictionary(fc.constantFrom(...order.fields.keys(), 'constructor', '__proto__'), value);
    fc.assert(
      fc.property(hostile, value, value, (anyRow, id, t) => {
        for (const condition of conditions)
          expect(['match', 'no-match', 'error']).toContain(
            condition.evaluate({ row: anyRow, sub: { id, roles: [id], claims: { t } } }),
          );
      }),
    );
  });

  it('is an error, not a crash, on a value that is nested too deep to compare', () => {
    let deep: JsonValue = [];
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(verdict('sub.claims.c == [["x"]]', {}, { c: deep })).toBe('error');
  });
});

describe('compileCondition()', () => {
  it.each([
    ['row.custmerId == sub.id', 'condition at 1:5: No such key: custmerId (row has orderId, customerId'],
    ['row["custmerId"] == sub.id', 'No such key: custmerId'],
    ['row.lines.exists(l, l.skuu == "a")', 'condition at 1:23: No such key: skuu'],
    ['sub.name == "x"', 'No such key: name'],
    ['foo == 1', 'condition at 1:1: Unknown variable: foo (there are row and sub)'],
    ['row.customerId ==', 'condition at 1:18: Unexpected token: EOF'],
    ['true &&\n  row.total == "5"', 'condition at 2:3: no such overload: double == string'],
    ['row.total + 1 == 3.0', 'write 1.0 instead of 1'],
    ['row.customerId', 'is a string, and must be true or false'],
    ['row.internalNotes', 'is a dyn, and must be true or false'],
    ['', 'condition at 1:1'],
    ['row == row', 'name a field of row'],
    ['size(sub.claims) == size(sub)', 'name a field of sub'],
    ['row[sub.id] == "x"', 'name a field of row'],
    ['row.customerId.matches("^(a+)+$")', 'the function "matches" is not offered'],
    ['cel.bind(x, row.customerId, x == "13")', 'the function "bind" is not offered'],
    ['duration(row.customerId) > duration("1s")', 'duration() takes a literal only'],
    ['dyn(row.total) == "5"', 'the function "dyn" is not offered'],
    ['row.lines.all(l, row.lines.all(m, l.sku == m.sku))', 'condition at 1:18: a loop within a loop'],
    ['row.lines.exists(l, l.sku in row.lines.map(m, m.sku))', '"in" a part of the row within a loop'],
    ['row.lines.exists(l, size(row.storeId) == 5)', 'size() of a part of the row within a loop'],
    ['row.lines.exists(l, row.storeId.lowerAscii() == "a")', 'lowerAscii() of a part of the row within a loop'],
    ['row.lines.exists(l, (l.sku + row.storeId).contains("a"))', 'contains() of a part of the row within a loop'],
    ['row.lines.exists(l, l in row.lines)', 'condition at 1:21: "in" a part of the row within a loop'],
    ['row.lines.exists(l, l.sku in [[row.storeId]][0])', '"in" a part of the row within a loop'],
    ['row.lines.exists(row, row.sku == "a")', '"row" is taken'],
    ['row.?customerId == "x"', 'condition at 1'],
  ])('refuses %p', (source, message) => {
    expect(refusalOf(source)).toContain(message);
  });

  it('accepts 4096 characters and refuses 4097', () => {
    const source = 'row.customerId == sub.id';
    expect(refusalOf(source.padEnd(4096))).toBe('compiled');
    expect(refusalOf(source.padEnd(4097))).toContain('longer than 4096');
  });

  it('accepts 500 nodes and refuses more', () => {
    const list = (count: number) => `row.customerId in [${Array.from({ length: count }, (_, i) => `"${i}"`).join()}]`;
    expect(refusalOf(list(490))).toBe('compiled');
    expect(refusalOf(list(500))).toContain('maxAstNodes');
  });

  it('accepts a depth of 19 and refuses 21', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}true${')'.repeat(depth)}`;
    expect(refusalOf(nested(19))).toBe('compiled');
    expect(refusalOf(nested(21))).toContain('maxDepth');
  });

  it('fails with AppErrors only, whatever the source', () => {
    const token = fc.constantFrom(
      ...'row sub . customerId lines [ ] ( ) == != in && || ! "x" 1 1.0 null ? : exists l , has size { } matches \n @ é'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        refusalOf(tokens.join(' '));
      }),
    );
  });
});
