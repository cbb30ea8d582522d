import type { Principal } from '@tidegate/auth';
import type { Columns, Grant, Mask } from '@tidegate/catalog';
import { contractShapes, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';
import fc from 'fast-check';
import { createHmac, hkdfSync } from 'node:crypto';
import { Policy } from './policy';

/** Conditions with the plain function that each stands for. */
const conditions: [string, (row: JsonObject, principal: Principal) => boolean][] = [
  ['row.customerId == sub.id', (row, { subject }) => row['customerId'] === subject],
  ['row.status in ["placed", "paid"]', (row) => row['status'] === 'placed' || row['status'] === 'paid'],
  [
    'row.storeId != sub.claims.store',
    (row, { claims }) => {
      return (
        typeof claims['store'] === 'string' && typeof row['storeId'] === 'string' && row['storeId'] !== claims['store']
      );
    },
  ],
  ['row.total > 10.0', (row) => typeof row['total'] === 'number' && row['total'] > 10],
];

const leaves = [
  ...[...contractShapes.order.fields.keys()].filter((name) => name !== 'lines'),
  ...['sku', 'product', 'brand', 'department', 'quantity', 'unitPrice', 'discount'].map((name) => `lines.${name}`),
];
const numbers = new Set(['total', 'lines.quantity', 'lines.unitPrice', 'lines.discount']);
const covers = (rule: string, leaf: string) => leaf === rule || leaf.startsWith(`${rule}.`);

type Level = 'hidden' | 'visible' | Mask;

/** One leaf by one grant. */
function level({ allow, deny, mask }: Columns, leaf: string): Level {
  if (allow?.some((rule) => covers(rule, leaf)) === false || deny.some((rule) => covers(rule, leaf))) return 'hidden';
  return mask[leaf] ?? 'visible';
}

const maskKey = Buffer.alloc(32, 9);

function hashed(name: string, value: string, tenant: string): string {
  const key = hkdfSync('sha256', maskKey, '', `tidegate mask ${tenant}`, 32);
  const hmac = createHmac('sha256', Buffer.from(key)).update(name).update(Buffer.of(0)).update(value);
  return hmac.digest('base64url').slice(0, 22);
}

/** What one mask shows of a text or number that fits it, and how generous that is. */
function throughMask(mask: Mask, value: JsonValue, tenant: string): [rank: number, shown: JsonValue] | undefined {
  if (mask === 'redact') return undefined;
  if ('generalise' in mask) {
    if (typeof mask.generalise !== 'number' || typeof value !== 'number') return undefined;
    return [1 / mask.generalise, value - (value % mask.generalise)];
  }
  if (typeof value !== 'string') return undefined;
  if ('hash' in mask) return [0.5, hashed(mask.hash, value, tenant)];
  const kept = 'keepFirst' in mask ? mask.keepFirst : mask.keepLast;
  if (value.length <= kept) return undefined;
  return 'keepFirst' in mask ? [kept, `${value.slice(0, kept)}***`] : [kept + 0.5, `***${value.slice(-kept)}`];
}

function shownLeaf(grants: readonly Grant[], leaf: string, value: JsonValue, tenant: string): JsonValue | undefined {
  const levels = grants.map(({ columns }) => level(columns, leaf)).filter((one) => one !== 'hidden');
  if (levels.length === 0) return undefined;
  if (levels.includes('visible')) return typeof value === 'object' && value !== null ? undefined : value;
  const parts = levels.flatMap((mask) => {
    const part = mask === 'visible' ? undefined : throughMask(mask, value, tenant);
    return part === undefined ? [] : [part];
  });
  parts.sort(([a], [b]) => b - a);
  return parts[0]?.[1] ?? (numbers.has(leaf) ? null : '***');
}

function shownObject(grants: readonly Grant[], prefix: string, value: JsonObject, tenant: string): JsonObject {
  const shown: JsonObject = {};
  for (const leaf of leaves.filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('.'))) {
    const name = leaf.slice(prefix.length);
    const seen = value[name] === undefined ? undefined : shownLeaf(grants, leaf, value[name], tenant);
    if (seen !== undefined) shown[name] = seen;
  }
  return shown;
}

/** The policy as its description reads, one leaf at a time. */
function model(grants: readonly Grant[], principal: Principal, row: JsonObject): JsonObject | undefined {
  const matching = grants.filter(({ roles, tenants, where }) => {
    const holds = conditions.find(([source]) => source === where?.source)?.[1] ?? (() => true);
    const inTenant = tenants === 'all' || (principal.tenant !== undefined && row['tenantId'] === principal.tenant);
    return roles.some((role) => principal.roles.includes(role)) && inTenant && holds(row, principal);
  });
  if (matching.length === 0) return undefined;
  const tenant = row['tenantId'] as string;
  const shown = shownObject(matching, '', row, tenant);
  const { lines } = row;
  const anyLine = leaves.some(
    (leaf) => leaf.startsWith('lines.') && matching.some(({ columns }) => level(columns, leaf) !== 'hidden'),
  );
  if (!anyLine || lines === undefined) return shown;
  if (lines === null) return { ...shown, lines };
  if (!Array.isArray(lines)) return shown;
  return { ...shown, lines: lines.map((line) => shownObject(matching, 'lines.', line as JsonObject, tenant)) };
}

/** Few, so that grants often meet on the same one. */
const ruled = ['customerId', 'storeId', 'total', 'internalNotes', 'lines.sku', 'lines.unitPrice'];
const rule = fc.constantFrom(...ruled, 'lines', 'tenantId');
const mask = (leaf: string): fc.Arbitrary<Mask> => {
  const kept = fc.integer({ min: 1, max: 4 });
  const partial = fc.oneof(
    kept.map((keepFirst) => ({ keepFirst })),
    kept.map((keepLast) => ({ keepLast })),
    fc.constant({ hash: 'x' }),
  );
  const range = fc.constantFrom(2, 5, 10).map((generalise) => ({ generalise }));
  return fc.oneof(fc.constant<Mask>('redact'), numbers.has(leaf) ? range : partial);
};
const optional = { requiredKeys: [] };
const masks = fc.record(Object.fromEntries(ruled.map((path) => [path, mask(path)])), optional) as fc.Arbitrary<
  Record<string, Mask>
>;
const seldom = (paths: fc.Arbitrary<string[] | undefined>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: paths });
const columns: fc.Arbitrary<Columns> = fc
  .tuple(
    seldom(fc.uniqueArray(rule, { minLength: 1, maxLength: 8 })),
    seldom(fc.uniqueArray(rule, { maxLength: 3 })),
    masks,
  )
  .map(([allow, deny, chosen]) => ({ ...(allow && { allow }), deny: deny ?? [], mask: chosen }));
const role = fc.constantFrom('a', 'b');
const grant = fc.record({
  roles: fc.uniqueArray(role, { minLength: 1 }),
  columns,
  tenants: fc.constantFrom('own' as const, 'own' as const, 'all' as const),
  condition: fc.option(fc.constantFrom(...conditions.map(([source]) => source))),
});
const grants = fc.array(grant, { maxLength: 4 }).map((list) =>
  list.map(({ condition, ...rest }, index): Grant => {
    const where = condition === null ? {} : { where: compileCondition(condition, { row: contractShapes.order }) };
    return { id: `g${index}`, resources: ['orders'], actions: ['read'], ...rest, ...where };
  }),
);
const word = fc.constantFrom('1', '2', 'placed', 'paid', 'abcd', 'abcdef', '');
const odd = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(null), fc.constant<JsonValue>({ x: 1 }));
const scalar: fc.Arbitrary<JsonValue> = fc.oneof({ weight: 3, arbitrary: word }, { weight: 1, arbitrary: odd });
const line = fc.record({ sku: scalar, product: scalar, unitPrice: scalar, secret: scalar }, optional);
const row: fc.Arbitrary<JsonObject> = fc.record(
  {
    ...Object.fromEntries([...contractShapes.order.fields.keys(), 'secret'].map((name) => [name, scalar])),
    lines: fc.oneof({ weight: 4, arbitrary: fc.array(line, { maxLength: 3 }) }, { weight: 1, arbitrary: odd }),
    tenantId: fc.constantFrom('north', 'south'),
  },
  { requiredKeys: ['tenantId'] },
);
const principal: fc.Arbitrary<Principal> = fc.record({
  subject: fc.constantFrom('1', '2'),
  tenant: fc.constantFrom('north', 'north', 'south', undefined),
  roles: fc.uniqueArray(role),
  expiresAtMs: fc.constant(0),
  claims: fc.dictionary(fc.constant('store'), scalar),
});

describe('Policy beside a plain model of it', () => {
  const orders = {
    name: 'orders',
    sources: [{ topic: 'shop.orders' }],
    key: ['orderId'],
    tenant: 'tenantId',
    schema: 'order' as const,
    resume: { maxScanned: 1, maxMs: 1 },
  };
  const tenants = new Map(['north', 'south'].map((id) => [id, { id, name: id }]));

  it('shows the same of any row to anybody', () => {
    fc.assert(
      fc.property(grants, principal, fc.array(row, { minLength: 1, maxLength: 4 }), (given, caller, rows) => {
        const catalog = { version: 'v', tenants, streams: new Map([['orders', orders]]), grants: given };
        const policy = new Policy(catalog, { maskKey });
        const view = policy.view(caller, 'orders');
        for (const each of rows) {
          const before = JSON.stringify(each);
          const visible = view?.apply(each);
          const expected = model(given, caller, each);
          expect(visible).toEqual(expected);
          expect(JSON.stringify(each)).toBe(before);
          if (visible !== undefined && Object.keys(each).length === Object.keys(visible).length) {
            expect(visible === each).toBe(JSON.stringify(visible) === before);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
