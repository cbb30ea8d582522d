import type { Columns } from '@tidegate/catalog';
import {
  parseJson,
  stringifyJson,
  type JsonObject,
  type JsonValue,
  type ObjectShape,
  type Shape,
} from '@tidegate/contracts';
import { project } from './projection';
import { follow, isClear, together, visibilityOf } from './visibility';

const object = (fields: Record<string, Shape>): ObjectShape => ({
  kind: 'object',
  fields: new Map(Object.entries(fields)),
});
const text = { kind: 'string' } as const;
const shape = object({
  id: text,
  total: { kind: 'number' },
  notes: { kind: 'any' },
  home: object({ city: text, geo: object({ lat: { kind: 'number' } }) }),
  lines: { kind: 'list', of: object({ sku: text, price: { kind: 'number' } }) },
  tags: { kind: 'list', of: text },
  byStore: { kind: 'map', of: object({ stock: { kind: 'number' }, buyer: text }) },
});
const row: JsonObject = {
  id: 'abcdef',
  total: 12,
  notes: { any: [1] },
  home: { city: 'Bern', geo: { lat: 46.9 } },
  lines: [
    { sku: 'abc', price: 1 },
    { sku: 'xyz', price: 2 },
  ],
  tags: ['red', 'blue'],
  byStore: { s1: { stock: 1, buyer: 'Ann' }, s2: { stock: 2, buyer: 'Bob' } },
};
const columns = (change: Partial<Columns>): Columns => ({ deny: [], mask: {}, ...change });
const show = (change: Partial<Columns>, value: JsonValue = row) => project(visibilityOf(columns(change), shape), value);

describe('project()', () => {
  it('returns the same object when all of it is visible', () => {
    expect(show({})).toBe(row);
    expect(show({ deny: ['other'] })).toBe(row);
  });

  it('shares what it does not change, and changes nothing in the row', () => {
    const before = stringifyJson(row);
    const visible = show({ deny: ['lines.price'] }) as JsonObject;
    expect(visible['byStore']).toBe(row['byStore']);
    expect(visible['lines']).toEqual([{ sku: 'abc' }, { sku: 'xyz' }]);
    expect(stringifyJson(row)).toBe(before);
  });

  it('hides what the contract does not have, at any depth', () => {
    const secret = { password: 'x' };
    const extended = {
      ...row,
      ...secret,
      home: { city: 'Bern', ...secret },
      lines: [{ sku: 'abc', price: 1, ...secret }],
      byStore: { s1: { stock: 1, buyer: 'Ann', ...secret } },
    };
    expect(stringifyJson(show({}, extended) as JsonObject)).not.toContain('password');
    expect(Object.keys(show({}, extended) as JsonObject)).toEqual(Object.keys(row));
  });

  it('reaches through objects, lists and maps', () => {
    const rules = {
      deny: ['home.geo', 'byStore.stock'],
      mask: { 'lines.sku': { keepLast: 1 }, 'byStore.buyer': 'redact' },
    } as const;
    expect(show(rules)).toEqual({
      ...row,
      home: { city: 'Bern' },
      lines: [
        { sku: '***c', price: 1 },
        { sku: '***z', price: 2 },
      ],
      byStore: { s1: { buyer: '***' }, s2: { buyer: '***' } },
    });
  });

  it('shows only what is allowed', () => {
    expect(show({ allow: ['home.geo', 'lines.sku', 'total'] })).toEqual({
      total: 12,
      home: { geo: { lat: 46.9 } },
      lines: [{ sku: 'abc' }, { sku: 'xyz' }],
    });
    expect(show({ allow: ['home'], deny: ['home.geo.lat'] })).toEqual({ home: { city: 'Bern' } });
  });

  it('masks lists of text item by item, and redacts containers whole', () => {
    expect(show({ allow: ['tags'], mask: { tags: { keepFirst: 1 } } })).toEqual({ tags: ['r***', 'b***'] });
    expect(show({ allow: ['tags', 'lines'], mask: { tags: 'redact', lines: 'redact' } })).toEqual({
      tags: null,
      lines: null,
    });
    expect(show({ allow: ['total'], mask: { total: 'redact' } })).toEqual({ total: null });
  });

  it('hides values that are not what the contract says', () => {
    const odd = {
      id: { deep: 'x' },
      total: [1],
      home: 'Bern',
      lines: { sku: 'abc' },
      tags: 'red',
      byStore: [{ stock: 1 }],
    };
    expect(show({}, odd)).toEqual({});
    expect(show({}, { lines: ['abc', { sku: { a: 1 }, price: 1 }, null], byStore: { s1: 3 } })).toEqual({
      lines: [{ price: 1 }, null],
      byStore: {},
    });
    expect(show({}, { home: null, lines: null, byStore: null, id: null })).toEqual({
      home: null,
      lines: null,
      byStore: null,
      id: null,
    });
    expect(show({ mask: { id: { keepLast: 1 } } }, { id: 4711 })).toEqual({ id: '***' });
  });

  it('keeps raw numbers, as numbers', () => {
    const raw = parseJson(
      '{"total":1.10,"home":1.10,"lines":[{"price":9007199254740993,"sku":"a"}],"tags":[1.0]}',
    ) as JsonObject;
    expect(stringifyJson(show({}, raw) as JsonObject)).toBe(
      '{"total":1.10,"lines":[{"price":9007199254740993,"sku":"a"}],"tags":[1.0]}',
    );
    expect(show({ mask: { id: { keepLast: 1 } } }, parseJson('{"id":1.10}'))).toEqual({ id: '***' });
  });

  it('is not moved by prototype names', () => {
    const hostile = parseJson(
      '{"__proto__":{"id":"x"},"constructor":1,"total":1,"byStore":{"__proto__":{"stock":1,"x":2}}}',
    );
    const visible = show({}, hostile) as JsonObject;
    expect(stringifyJson(visible)).toBe('{"total":1,"byStore":{"__proto__":{"stock":1}}}');
    expect(Object.getPrototypeOf(visible['byStore'])).toBe(Object.prototype);
  });
});

describe('together()', () => {
  const seen = (...grants: Partial<Columns>[]) => {
    const parts = grants.map((grant) => visibilityOf(columns(grant), shape));
    return parts.slice(1).reduce(together, parts[0] ?? { kind: 'hidden' });
  };

  it('shows each part as the more generous grant does', () => {
    const a = { allow: ['id', 'lines'], mask: { id: { keepLast: 2 }, lines: 'redact' } } as const;
    const b = { allow: ['id', 'lines.sku', 'total'], mask: { id: { keepLast: 4 } } } as const;
    for (const visibility of [seen(a, b), seen(b, a)]) {
      expect(project(visibility, row)).toEqual({ id: '***cdef', total: 12, lines: [{ sku: 'abc' }, { sku: 'xyz' }] });
    }
    expect(project(seen(a, b, {}), row)).toBe(row);
  });

  it('with nothing stays as it is', () => {
    const nothing = { deny: [...shape.fields.keys()] };
    expect(seen(nothing).kind).toBe('hidden');
    expect(project(seen(nothing, { allow: ['tags'] }), row)).toEqual({ tags: ['red', 'blue'] });
  });
});

describe('follow()', () => {
  const restricted = (path: string, change: Partial<Columns>) =>
    !isClear(follow(visibilityOf(columns(change), shape), path));

  it('tells what is hidden or masked at a path or below it', () => {
    const rules = { deny: ['lines.price'], mask: { 'byStore.buyer': 'redact', total: 'redact' } } as const;
    const paths = ['lines', 'lines.price', 'byStore', 'byStore.buyer', 'total', 'unknown', 'id.x', '', 'constructor'];
    for (const path of paths) expect(restricted(path, rules)).toBe(true);
    for (const path of ['lines.sku', 'byStore.stock', 'id', 'home', 'home.geo.lat'])
      expect(restricted(path, rules)).toBe(false);
    expect(restricted('tags', { allow: ['id'] })).toBe(true);
  });
});
