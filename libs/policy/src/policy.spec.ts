import type { Principal } from '@tidegate/auth';
import { loadCatalog, type Catalog, type Grant } from '@tidegate/catalog';
import { contractShapes, parseJson, type JsonObject } from '@tidegate/contracts';
import { Registry } from '@tidegate/telemetry';
import { join } from 'node:path';
import { grantOf, type GrantChange } from './grant-fixture';
import { Policy } from './policy';

const shipped = loadCatalog(join(__dirname, '../../../catalog'));

const principal = (change: Partial<Principal> = {}): Principal => ({
  subject: '13',
  tenant: 'north',
  roles: ['customer'],
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  claims: {},
  ...change,
});
const order: JsonObject = {
  orderId: '7',
  customerId: '13',
  tenantId: 'north',
  status: 'placed',
  total: 12.5,
  lines: [{ sku: 'a', quantity: 1 }],
  internalNotes: 'slow payer',
};
const transaction: JsonObject = {
  transactionId: 't1',
  customerId: '13',
  tenantId: 'north',
  segment: 'retail',
  amount: -12.5,
  customerName: 'Ann Other',
  accountNumber: 'CH5604835012345678009',
};

const grant = (id: string, change: GrantChange = {}) => grantOf({ id, roles: ['customer'], ...change });
const policyOf = (...grants: Grant[]) => new Policy({ ...shipped, grants } satisfies Catalog);

describe(Policy.name, () => {
  const policy = new Policy(shipped);

  it('shows customers their own orders, without what the shop notes about them', () => {
    const view = policy.view(principal(), 'orders');
    const { internalNotes: _, ...visible } = order;
    expect(view?.apply(order)).toEqual(visible);
    expect(view?.apply({ ...order, customerId: '14' })).toBeUndefined();
    expect(view?.apply({ ...order, tenantId: 'south' })).toBeUndefined();
    expect(view?.grantIds).toEqual(['own-orders']);
    expect(view?.seesAllColumns).toBe(false);
  });

  it('lets partners see and write within their tenant, and reports count across tenants without the people', () => {
    const partner = principal({ subject: 'partner-north', roles: ['partner'] });
    for (const action of ['read', 'write'] as const) {
      const view = policy.view(partner, 'transactions', action);
      expect(view?.apply(transaction)).toEqual({ ...transaction, customerName: '***', accountNumber: '***8009' });
      expect(view?.apply({ ...transaction, tenantId: 'south' })).toBeUndefined();
    }
    const { tenant: _, ...reporting } = principal({ subject: 'internal-reporting', roles: ['reporting'] });
    const view = policy.view({ ...reporting, tenant: undefined }, 'transactions');
    const { customerId: _id, customerName: _name, accountNumber: _number, ...visible } = transaction;
    expect(view?.apply({ ...transaction, tenantId: 'south' })).toEqual({ ...visible, tenantId: 'south' });
    expect(policy.view({ ...reporting, tenant: undefined }, 'transactions', 'write')).toBeUndefined();
  });

  it('gives nothing beyond the scopes of the credential, and nothing by a scope alone', () => {
    const view = (scopes: string[], action: 'read' | 'write', roles = ['partner']) =>
      policy.view(principal({ roles, scopes }), 'transactions', action);
    expect(view(['transactions:read'], 'read')).toBeDefined();
    expect(view(['transactions:read'], 'write')).toBeUndefined();
    expect(view(['transactions:write'], 'read')).toBeUndefined();
    expect(view([], 'read')).toBeUndefined();
    expect(view(['transactions:read'], 'read', ['support'])).toBeUndefined();
  });

  it('shows analysts the transactions of their segment, names redacted and account numbers cut', () => {
    const view = policy.view(principal({ subject: 'ann', roles: ['retail-analyst'] }), 'transactions');
    expect(view?.apply(transaction)).toEqual({ ...transaction, customerName: '***', accountNumber: '***8009' });
    expect(view?.apply({ ...transaction, segment: 'business' })).toBeUndefined();
    expect(view?.apply({ ...transaction, tenantId: 'south' })).toBeUndefined();
    const both = policy.view(principal({ roles: ['retail-analyst', 'business-analyst'] }), 'transactions');
    expect(both?.apply({ ...transaction, segment: 'business' })).toMatchObject({ customerName: '***' });
  });

  it('shows support all orders of its tenant, as they are', () => {
    const view = policy.view(principal({ subject: 'sam', roles: ['support'] }), 'orders');
    expect(view?.apply(order)).toBe(order);
    expect(view?.apply({ ...order, tenantId: 'south' })).toBeUndefined();
    expect(view?.seesAllColumns).toBe(true);
    expect(policy.view(principal({ roles: ['support'] }), 'transactions')).toBeUndefined();
  });

  it('shows operators what the devices of their tenant measure, and nothing else', () => {
    const times = { t: '2026-01-01T00:00:00Z', tReceived: '2026-01-01T00:00:00Z' };
    const measured = { tenantId: 'north', deviceId: 'd1', ch: 'temperature', ...times, tq: 'synced', v: 21.5 };
    const operator = principal({ subject: 'olga', roles: ['operator'] });
    const view = policy.view(operator, 'telemetry');
    expect(view?.apply(measured)).toBe(measured);
    expect(view?.apply({ ...measured, tenantId: 'south' })).toBeUndefined();
    expect([...shipped.streams.keys()].filter((name) => policy.view(operator, name))).toEqual(['telemetry']);
  });

  it('shows auditors who did what in all tenants', () => {
    const event = { id: '1', source: 'urn:tidegate:writer:web:b1', type: 'tidegate.audit.request', data: { seq: 1 } };
    const { tenant: _, ...auditor } = principal({ subject: 'audrey', roles: ['auditor'] });
    expect(policy.view({ ...auditor, tenant: undefined }, 'audit')?.apply(event)).toBe(event);
  });

  it('gives each role these resources to read and to write, and nothing else', () => {
    const given = (roles: string[], action: 'read' | 'write' | 'manage') =>
      [...shipped.streams.keys()].filter((name) => policy.view(principal({ roles }), name, action));
    const read: Record<string, string[]> = {
      customer: ['orders', 'customers', 'accounts', 'transactions'],
      support: ['orders', 'customers', 'accounts', 'orders-west'],
      'retail-analyst': ['transactions'],
      'business-analyst': ['transactions'],
      partner: ['transactions'],
      reporting: ['transactions'],
      operator: ['telemetry'],
      auditor: ['audit'],
    };
    for (const role of [...(shipped.roles ?? []), 'custome', 'customer ', '']) {
      expect([role, given([role], 'read')]).toEqual([role, read[role] ?? []]);
      expect([role, given([role], 'write')]).toEqual([role, role === 'partner' ? ['transactions'] : []]);
      expect([role, given([role], 'manage')]).toEqual([role, []]);
    }
  });

  it('answers alike for what is unknown and for what is not granted', () => {
    const answers = ['nothing', 'constructor', '__proto__', '', 'read orders'].map((name) =>
      policy.view(principal(), name),
    );
    expect(answers).toEqual(answers.map(() => undefined));
    expect(policy.view(principal({ roles: [] }), 'orders')).toBeUndefined();
    expect(policy.view(principal(), 'orders', 'write')).toBeUndefined();
    expect(policy.view(principal(), 'orders', 'manage')).toBeUndefined();
  });

  it('gives actions only where a grant names them', () => {
    const writer = policyOf(grant('w', { actions: ['write'] }));
    expect(writer.view(principal(), 'orders')).toBeUndefined();
    expect(writer.view(principal(), 'orders', 'write')?.apply(order)).toBe(order);
  });

  it.each([[undefined], [''], ['mars'], ['North'], [['north']], [null], [{}]])(
    'shows a caller of tenant %j no row of a tenant',
    (tenant) => {
      const caller = principal({ tenant: tenant as string });
      expect(policy.view(caller, 'orders')).toBeUndefined();
      const everywhere = policyOf(
        grant('own'),
        grant('all', { tenants: 'all', columns: { allow: ['status'], deny: [], mask: {} } }),
      );
      expect(everywhere.view(caller, 'orders')?.apply(order)).toEqual({ status: 'placed' });
    },
  );

  it.each([[undefined], [null], [5], [''], [['north']], [{ north: 1 }], ['North'], [parseJson('1.10')]])(
    'shows no row whose tenant is %j',
    (tenantId) => {
      const view = policyOf(grant('g', { condition: 'row.tenantId != "x" || true' })).view(principal(), 'orders');
      const { tenantId: _, ...rest } = order;
      expect(view?.apply(tenantId === undefined ? rest : { ...rest, tenantId })).toBeUndefined();
      expect(view?.apply(Object.assign(Object.create({ tenantId: 'north' }) as JsonObject, rest))).toBeUndefined();
    },
  );

  it('crosses tenants only by a grant that says so', () => {
    const wide = policyOf(
      grant('own'),
      grant('all', { tenants: 'all', condition: 'row.status == "placed"', columns: { deny: ['total'], mask: {} } }),
    );
    const view = wide.view(principal(), 'orders');
    expect(view?.apply(order)).toBe(order);
    expect(view?.apply({ ...order, tenantId: 'south' })).toEqual({ ...order, tenantId: 'south', total: undefined });
    expect(view?.apply({ ...order, tenantId: 'south', status: 'paid' })).toBeUndefined();
  });

  it('shows columns by the grants that match this row, not by all that the caller has', () => {
    const view = policyOf(
      grant('some', { columns: { deny: ['total'], mask: {} } }),
      grant('paid', { condition: 'row.status == "paid"' }),
    ).view(principal(), 'orders');
    expect(view?.apply(order)).not.toHaveProperty('total');
    expect(view?.apply({ ...order, status: 'paid' })).toHaveProperty('total', 12.5);
    expect(view?.restricted('total')).toBe(true);
    expect(view?.restricted('status')).toBe(false);
    expect(view?.restricted('nothing')).toBe(true);
  });

  it('shows an empty row where all columns are denied', () => {
    const deny = [...contractShapes.order.fields.keys()];
    expect(
      policyOf(grant('g', { columns: { deny, mask: {} } }))
        .view(principal(), 'orders')
        ?.apply(order),
    ).toEqual({});
  });

  it('takes a condition that cannot be judged for no match, and counts it by grant', async () => {
    const registry = new Registry();
    const failing = grant('fails', { condition: 'row.customerId != sub.claims.blocked' });
    const counted = new Policy({ ...shipped, grants: [failing] }, { registry });
    expect(counted.view(principal(), 'orders')?.apply(order)).toBeUndefined();
    expect(counted.view(principal({ claims: { blocked: 5 } }), 'orders')?.apply(order)).toBeUndefined();
    expect(counted.view(principal({ claims: { blocked: '5' } }), 'orders')?.apply(order)).toBe(order);
    const reloaded = new Policy({ ...shipped, grants: [failing] }, { registry });
    reloaded.view(principal(), 'orders')?.apply(order);
    const metric = await registry.getSingleMetric('tidegate_policy_errors_total')?.get();
    expect(metric?.values).toEqual([expect.objectContaining({ value: 3, labels: { grant: 'fails' } })]);
  });

  it('hashes by the tenant of the row, and redacts without a key or a tenant', () => {
    const columns = { deny: [], mask: { customerId: { hash: 'person' }, storeId: { hash: 'store' } } };
    const catalog = { ...shipped, grants: [grant('g', { columns, tenants: 'all' })] };
    const view = new Policy(catalog, { maskKey: Buffer.alloc(32, 1) }).view(principal({ tenant: undefined }), 'orders');
    const shown = (change: JsonObject = {}) => view?.apply({ ...order, ...change })?.['customerId'];
    expect(shown()).toMatch(/^[\w-]{22}$/);
    expect(shown({ orderId: '8', total: 1 })).toBe(shown());
    expect(shown({ tenantId: 'south' })).toMatch(/^[\w-]{22}$/);
    expect(shown({ tenantId: 'south' })).not.toBe(shown());
    expect(view?.apply({ ...order, storeId: '13' })?.['storeId']).not.toBe(shown());
    for (const tenantId of ['mars', '', 5, null, ['north'], { north: 1 }]) expect(shown({ tenantId })).toBe('***');
    const { tenantId: _, ...stripped } = order;
    expect(view?.apply(stripped)).toHaveProperty('customerId', '***');
    const keyless = new Policy(catalog).view(principal(), 'orders');
    expect(keyless?.apply(order)).toHaveProperty('customerId', '***');
    expect(view?.restricted('customerId')).toBe(true);
  });

  it('finds the grants of a caller among many, in the order of the catalog', () => {
    const crowd = Array.from({ length: 50 }, (_, n) => grant(`g${n}`, { roles: [`r${n % 7}`, `r${n % 5}`] }));
    const policy = policyOf(...crowd);
    const ids = policy.view(principal({ roles: ['r3', 'r1', 'r3', 'constructor'] }), 'orders')?.grantIds;
    const expected = crowd.filter(({ roles }) => roles.includes('r3') || roles.includes('r1'));
    expect(ids).toEqual(expected.map(({ id }) => id));
    expect(policy.view(principal({ roles: ['constructor', '__proto__'] }), 'orders')).toBeUndefined();
  });

  it('does not take a raw number or another non-object for a row', () => {
    const view = policyOf(grant('g', { tenants: 'all' })).view(principal(), 'orders');
    for (const row of [parseJson('1.10'), [], null, 'x']) expect(view?.apply(row as JsonObject)).toBeUndefined();
  });
});

describe('explain()', () => {
  it('says how each grant of the caller judges the row, and what is seen of it', () => {
    const policy = new Policy(shipped);
    const { internalNotes: _, ...visible } = order;
    const own = { source: 'row.customerId == sub.id' };
    expect(policy.explain(principal(), 'orders', order)).toEqual({
      visible: true,
      grants: [
        {
          ...{ id: 'own-orders', matched: true, tenant: true, where: own.source },
          clauses: [{ ...own, verdict: 'match' }],
        },
      ],
      row: visible,
    });
    expect(policy.explain(principal({ tenant: 'south' }), 'orders', order)).toEqual({
      visible: false,
      grants: [
        {
          ...{ id: 'own-orders', matched: false, tenant: false, where: own.source },
          clauses: [{ ...own, verdict: 'match' }],
        },
      ],
      row: null,
    });
    const nobody = { visible: false, grants: [], row: null };
    expect(policy.explain(principal({ roles: ['auditor'] }), 'orders', order)).toEqual(nobody);
    expect(policy.explain(principal(), 'nothing', order)).toBeUndefined();
  });

  it('shows no row of a view that is not in it', () => {
    const [west, other] = ['31401', '1'].map((storeId) => {
      return new Policy(shipped).explain(principal({ roles: ['support'] }), 'orders-west', { ...order, storeId });
    });
    expect(west).toMatchObject({ visible: true, view: { matched: true }, row: { storeId: '31401' } });
    expect(other).toMatchObject({ visible: false, view: { matched: false }, grants: [{ matched: true }], row: null });
  });

  it('judges each clause on its own, and says why one could not be', () => {
    const condition =
      'row.status == "paid" && (row.customerId == sub.id || row.total > 5.0) && row.storeId == sub.claims.s';
    const policy = policyOf(grant('odd', { condition }), grant('plain', { tenants: 'all' }));
    const explained = policy.explain(principal({ tenant: undefined }), 'orders', order);
    expect(explained?.grants).toEqual([
      {
        ...{ id: 'odd', matched: false, tenant: false, where: condition },
        clauses: [
          { source: 'row.status == "paid"', verdict: 'no-match' },
          { source: 'row.customerId == sub.id || row.total > 5.0', verdict: 'match' },
          { source: 'row.storeId == sub.claims.s', verdict: 'error', error: 'No such key: storeId' },
        ],
      },
      { id: 'plain', matched: true, tenant: true, where: null, clauses: [] },
    ]);
    const failing = policyOf(grant('odd', { condition: 'row.storeId == sub.claims.s' }));
    const [odd] = failing.explain(principal(), 'orders', order)?.grants ?? [];
    expect(odd).toMatchObject({ matched: false, tenant: true, error: 'No such key: storeId' });
  });

  it('counts no errors: nobody was refused a row', async () => {
    const registry = new Registry();
    const grants = [grant('fails', { condition: 'row.customerId == sub.claims.id' })];
    new Policy({ ...shipped, grants }, { registry }).explain(principal(), 'orders', order);
    expect((await registry.getSingleMetric('tidegate_policy_errors_total')?.get())?.values).toEqual([]);
  });
});

describe('the id of a view', () => {
  const idOf = (policy: Policy, change: Partial<Principal> = {}, resource = 'orders') =>
    policy.view(principal(change), resource)?.id;
  const policy = new Policy(shipped);

  it('is equal for callers who see the same of every row', () => {
    const support = { roles: ['support'] };
    expect(idOf(policy, { ...support, subject: 'a', claims: { x: 1 } })).toBe(
      idOf(policy, { ...support, subject: 'b' }),
    );
    expect(idOf(policy, { roles: ['support', 'auditor'] })).toBe(idOf(policy, support));
    expect(idOf(policy)).toBe(idOf(new Policy(shipped)));
  });

  it('differs by caller, tenant, grants and resource', () => {
    const all = [
      idOf(policy),
      idOf(policy, { subject: '14' }),
      idOf(policy, { tenant: 'south' }),
      idOf(policy, { roles: ['support'] }),
      idOf(policy, { roles: ['support', 'customer'] }),
      idOf(policy, {}, 'accounts'),
    ];
    expect(all).not.toContain(undefined);
    expect(new Set(all).size).toBe(all.length);
  });

  it('differs by what the grants say, and by nothing else that changes in the catalog', () => {
    const own = grant('g', { condition: 'row.customerId == sub.id' });
    const id = idOf(policyOf(own));
    const same = new Policy({ ...shipped, version: 'other', grants: [own, grant('h', { roles: ['others'] })] });
    expect(idOf(same)).toBe(id);
    const changed = [
      grant('h', { condition: 'row.customerId == sub.id' }),
      grant('g', { condition: 'row.customerId == sub.id && row.total > 1.0' }),
      { ...own, columns: { deny: ['total'], mask: {} } },
      { ...own, tenants: 'all' as const },
    ].map((one) => idOf(policyOf(one)));
    expect(new Set([id, ...changed]).size).toBe(5);
  });

  it('is of the catalog that the policy was changed to last', () => {
    const changing = policyOf(grant('g'));
    const before = changing.view(principal(), 'orders');
    changing.change({
      ...shipped,
      version: 'next',
      grants: [{ ...grant('g'), columns: { deny: ['total'], mask: {} } }],
    });
    const after = changing.view(principal(), 'orders');
    expect([before?.apply(order), changing.version]).toEqual([order, 'next']);
    expect(after?.apply(order)).not.toHaveProperty('total');
    expect(after?.id).not.toBe(before?.id);
    changing.change({ ...shipped, grants: [] });
    expect(changing.view(principal(), 'orders')).toBeUndefined();
  });

  it('differs by the claims that a condition looks at, and by no other', () => {
    const condition = 'row.storeId == sub.claims["https://x.example/a.b"]';
    const claimed = policyOf(grant('g', { condition }));
    const withClaim = (claims: JsonObject) => idOf(claimed, { claims });
    const ids = [
      {},
      { 'https://x.example/a.b': null },
      { 'https://x.example/a.b': '1' },
      { 'https://x.example/a.b': 1 },
    ].map(withClaim);
    expect(new Set(ids).size).toBe(4);
    expect(withClaim({ 'https://x.example/a.b': '1', other: 2 })).toBe(ids[2]);
  });

  it('does not differ by tenant where all grants cross tenants', () => {
    const wide = policyOf(grant('g', { tenants: 'all' }));
    expect(idOf(wide, { tenant: 'south' })).toBe(idOf(wide));
    const tenantInCondition = policyOf(grant('g', { tenants: 'all', condition: 'row.tenantId == sub.tenant' }));
    expect(idOf(tenantInCondition, { tenant: 'south' })).not.toBe(idOf(tenantInCondition));
  });
});
