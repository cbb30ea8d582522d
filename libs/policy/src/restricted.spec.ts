import type { Columns, Mask } from '@tidegate/catalog';
import { contractShapes, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { compileCondition, type Condition } from '@tidegate/expression';
import fc from 'fast-check';
import { follow, isClear, visibilityOf } from './visibility';

const shape = contractShapes.order;
const leaves = ['customerId', 'status', 'storeId', 'total', 'lines.sku', 'lines.unitPrice', 'lines.product', 'lines'];

const texts = ['row.customerId', 'row["status"]', 'row.storeId', 'row.lines[0].sku', 'row.lines.map(l, l.sku)[0]'];
const numbers = ['row.total', 'row.lines[0].unitPrice', 'row.lines.map(l, l.unitPrice)[0]'];
const inLoop = ['l.sku == "a"', 'l["sku"] != "b"', 'l.unitPrice > 1.0', 'l.product == null', 'has(l.product)', 'true'];
const loop = fc.tuple(fc.constantFrom('exists', 'all', 'exists_one'), fc.constantFrom(...inLoop));
const atom: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.constantFrom(...texts), fc.constantFrom('==', '!=', '<')).map(([text, is]) => `${text} ${is} "a"`),
  fc.tuple(fc.constantFrom(...numbers), fc.constantFrom('==', '>')).map(([number, is]) => `${number} ${is} 1.0`),
  loop.map(([macro, body]) => `row.lines.${macro}(l, ${body})`),
  fc
    .tuple(loop, fc.constantFrom(...inLoop))
    .map(([[macro, body], first]) => `row.lines.filter(l, ${first}).${macro}(l, ${body})`),
  fc.constantFrom(...inLoop).map((body) => `row.lines.map(l, ${body}, l).exists(m, m.unitPrice > 1.0)`),
  fc.constantFrom('size(row.lines) > 1', 'has(row.storeId)', 'type(row.total) == double', 'row.lines[0] in row.lines'),
);
const source = fc
  .array(fc.tuple(atom, fc.constantFrom('&&', '||'), fc.boolean()), { minLength: 1, maxLength: 3 })
  .map((parts) =>
    parts.map(([text, op, not], at) => `${at === 0 ? '' : ` ${op} `}${not ? `!(${text})` : text}`).join(''),
  );

const maskOf = (path: string): Mask =>
  path === 'total' || path === 'lines.unitPrice' ? { generalise: 5 } : { hash: 'x' };
const columns: fc.Arbitrary<Columns> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...leaves), fc.boolean()), { maxLength: 3, selector: ([path]) => path })
  .map((rules) => ({
    deny: rules.filter(([path, deny]) => deny || path === 'lines').map(([path]) => path),
    mask: Object.fromEntries(
      rules.filter(([path, deny]) => !deny && path !== 'lines').map(([path]) => [path, maskOf(path)]),
    ),
  }));

/** Mostly as the contract says, so that conditions get as far as the values. */
const mostly = (...values: JsonValue[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.constant(null) });
const text = mostly('a', 'b');
const number = mostly(0, 2);
const line = fc.record({ sku: text, unitPrice: number, product: text });
const lines = fc.array(line, { minLength: 1, maxLength: 2 });
const row = fc.oneof(
  { weight: 9, arbitrary: fc.record({ customerId: text, status: text, storeId: text, total: number, lines }) },
  { weight: 1, arbitrary: fc.record({ customerId: text, lines: fc.array(line) }, { requiredKeys: [] }) },
);

/** The row with what `hidden` covers taken from another one. */
function mixed(own: JsonObject, other: JsonObject, hidden: (path: string) => boolean, prefix = ''): JsonObject {
  const names = [...new Set([...Object.keys(own), ...Object.keys(other)])];
  const fields = names.flatMap((name): [string, JsonValue | undefined][] => {
    const path = prefix + name;
    if (hidden(path)) return [[name, other[name]]];
    const items = own[name];
    if (!Array.isArray(items)) return [[name, items]];
    const others = Array.isArray(other[name]) ? other[name] : [];
    const mix = (item: JsonValue, at: number) =>
      mixed(item as JsonObject, (others[at] ?? {}) as JsonObject, hidden, `${path}.`);
    return [[name, items.map(mix)]];
  });
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as JsonObject;
}

function compiled(condition: string): Condition | undefined {
  try {
    return compileCondition(condition, { row: shape });
  } catch (error) {
    if (AppError.is(error)) return undefined;
    throw error;
  }
}

describe('a filter over what a caller may filter by', () => {
  it('says the same whatever stands in the columns that a mask hides from the caller', () => {
    let judged = 0;
    fc.assert(
      fc.property(columns, source, row, row, (rules, condition, own, other) => {
        const visibility = visibilityOf(rules, shape);
        const filter = compiled(condition);
        if (filter === undefined) return;
        if (filter.uses.paths.some((path) => !isClear(follow(visibility, path)))) return;
        judged++;
        const hidden = (path: string) => rules.deny.includes(path) || Object.hasOwn(rules.mask, path);
        const sub = { id: '', roles: [], claims: {} };
        const changed = mixed(own, other, hidden);
        expect([condition, filter.evaluate({ row: changed, sub })]).toEqual([
          condition,
          filter.evaluate({ row: own, sub }),
        ]);
      }),
      { numRuns: 2_000 },
    );
    expect(judged).toBeGreaterThan(200);
  });
});
