import { loadCatalog, type Catalog, type Grant } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';
import { join } from 'node:path';
import { grantOf, type GrantChange } from './grant-fixture';
import { reviewCatalog } from './review';

const shipped = loadCatalog(join(__dirname, '../../../catalog'));

const grant = (id: string, change: GrantChange = {}) => grantOf({ id, roles: ['support'], ...change });
const orders = new Map([...shipped.streams].filter(([name]) => name === 'orders'));
const review = (...grants: Grant[]) => {
  const catalog: Catalog = { ...shipped, streams: orders, grants };
  return reviewCatalog(catalog).map(({ path, message }) => `${path.join('.')}: ${message}`);
};
const masked = { deny: [], mask: { storeId: 'redact' as const } };
const nothingMore = 'gives nothing that other grants do not give as well';

describe('reviewCatalog()', () => {
  it('has nothing to say of the shipped catalog', () => {
    expect(reviewCatalog(shipped)).toEqual([]);
  });

  it.each([
    ['false', 'no row can match'],
    ['row.status == "lost"', 'no row can match'],
    ['sub.tenant == "mars"', 'asks for the tenant mars, which is none of tenants.yaml'],
    ['row.tenantId == "mars"', 'asks for a tenant that no caller of it is of; see tenants.yaml'],
    ['row.tenantId == "north" && sub.tenant == "south"', 'asks for a tenant that no caller of it is of'],
  ])('finds that with %s a grant gives nothing', (condition, message) => {
    const found = review(grant('g', { condition }));
    expect(found).toHaveLength(2);
    expect(found[0]).toContain(`grants.0.where: ${message}`);
    expect(found[1]).toContain('streams.orders: nobody may read it');
  });

  it('does not call a grant across tenants vain for the tenant of its rows', () => {
    expect(review(grant('g', { condition: 'row.tenantId == "mars"', tenants: 'all' }))).toEqual([]);
    expect(review(grant('g', { condition: 'row.tenantId == "south" || row.total > 1.0' }))).toEqual([]);
  });

  it('finds views that no row is in', () => {
    const view = shipped.streams.get('orders-west');
    if (view?.view === undefined) throw new Error('the shipped catalog has no such view');
    const where = compileCondition('row.status == "lost"', { row: contractShapes.order });
    const streams = new Map([['orders-west', { ...view, view: { ...view.view, where } }]]);
    const found = reviewCatalog({ ...shipped, streams, grants: [grant('g', { resources: ['orders-west'] })] });
    expect(found).toEqual([
      { file: 'streams.yaml', path: ['streams', 'orders-west', 'where'], message: 'no row can match' },
    ]);
  });

  it('finds roles that nobody has, where the catalog says who there is', () => {
    const found = review(grant('g', { roles: ['support', 'suport'] }));
    expect(found).toEqual([
      expect.stringContaining('grants.0.roles.1: nobody has the role "suport"; the roles are customer'),
    ]);
    expect(review(grant('g', { roles: ['suport'] }))[1]).toContain('nobody may read it');
    const { roles: _, ...silent } = shipped;
    expect(reviewCatalog({ ...silent, streams: orders, grants: [grant('g', { roles: ['suport'] })] })).toEqual([]);
  });

  it('finds grants that leave no column', () => {
    const deny = [...contractShapes.order.fields.keys()];
    expect(review(grant('g', { columns: { deny, mask: {} } }))[0]).toBe('grants.0.columns: leaves no column to see');
    expect(review(grant('g', { columns: { deny, mask: {} }, actions: ['read', 'write'] }))).toEqual([]);
  });

  it('finds grants that others make needless', () => {
    const condition = 'row.total > 1.0';
    expect(review(grant('all'), grant('some', { condition }))).toEqual([`grants.1: ${nothingMore}`]);
    expect(review(grant('less', { columns: masked }), grant('more'))).toEqual([`grants.0: ${nothingMore}`]);
    expect(review(grant('own'), grant('all', { tenants: 'all' }))).toEqual([`grants.0: ${nothingMore}`]);
    expect(review(grant('once'), grant('twice'))).toEqual([`grants.1: ${nothingMore}`]);
    const [a, b] = [grant('a', { roles: ['support'] }), grant('b', { roles: ['partner'] })];
    expect(review(a, b, grant('both', { roles: ['support', 'partner'], condition }))).toEqual([
      `grants.2: ${nothingMore}`,
    ]);
  });

  it.each([
    ['another role', { roles: ['support', 'partner'] }],
    ['another action', { actions: ['read', 'write'] as const }],
    ['other tenants', { tenants: 'all' as const, condition: 'row.total > 1.0' }],
    ['more of a column', { columns: { deny: ['storeId'], mask: { customerId: { keepLast: 4 } } } }],
  ])('leaves a grant alone that gives %s', (_title, change) => {
    const columns = { deny: ['storeId'], mask: { customerId: { keepFirst: 2 } } };
    expect(review(grant('first', { columns }), grant('second', { columns, ...change }))).toEqual([]);
  });

  it('does not hold dead grants against others', () => {
    const dead = grant('dead', { roles: ['suport', 'nobody'] });
    const live = grant('live', { condition: 'row.total > 1.0' });
    expect(review({ ...dead, roles: ['nobody'] }, live).filter((text) => text.includes('grants.1'))).toEqual([]);
  });

  it('takes no time over thousands of grants', () => {
    const many = Array.from({ length: 2_000 }, (_, n) =>
      grant(`g${n}`, { roles: [`r${n % 500}`], condition: `row.total > ${n}.0` }),
    );
    const startedAt = performance.now();
    const { roles: _, ...silent } = shipped;
    expect(reviewCatalog({ ...silent, streams: orders, grants: many })).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});
