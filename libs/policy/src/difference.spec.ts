import { loadCatalog, type Grant } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';
import { join } from 'node:path';
import { compareCatalogs } from './difference';
import { grantOf, type GrantChange } from './grant-fixture';

const shipped = loadCatalog(join(__dirname, '../../../catalog'));

const grant = (change: GrantChange = {}) => grantOf(change);
const changes = (before: Grant[], after: Grant[]) =>
  compareCatalogs({ ...shipped, grants: before }, { ...shipped, grants: after }).map(
    ({ role, action, resource, rows, kind, columns }) => {
      const texts = columns.map(({ path, before, after }) => `${path}: ${before} → ${after}`);
      return [`${role} ${action} ${resource} ${kind} ${rows}`, ...texts];
    },
  );
const leaves = 17;
const columns = (change: Partial<Grant['columns']>) => ({ columns: { deny: [], mask: {}, ...change } });

describe('compareCatalogs()', () => {
  it('finds nothing between equal catalogs, nor where only names and order differ', () => {
    expect(compareCatalogs(shipped, shipped)).toEqual([]);
    const [a, b] = [grant({ id: 'a' }), grant({ id: 'b', roles: ['s'] })];
    expect(changes([a, b], [b, { ...a, id: 'c' }])).toEqual([]);
    expect(changes([grant({ roles: ['r', 's'] })], [a, b])).toEqual([]);
  });

  it('says who gains and who loses a whole stream', () => {
    const [gained] = changes([], [grant()]);
    expect(gained?.[0]).toBe('r read orders gains own tenant');
    expect(gained).toContain('orderId: hidden → visible');
    expect(gained).toContain('lines.unitPrice: hidden → visible');
    expect(gained).toHaveLength(leaves + 1);
    expect(
      changes([grant({ roles: ['r', 's'], actions: ['read', 'write'] })], [grant({ roles: ['s'] })]).map(
        ([head]) => head,
      ),
    ).toEqual(['r read orders loses own tenant', 'r write orders loses own tenant', 's write orders loses own tenant']);
  });

  it('says which columns are seen otherwise, and how', () => {
    const before = grant(
      columns({ mask: { customerId: { keepLast: 4 }, total: 'redact' }, deny: ['lines.unitPrice'] }),
    );
    const after = grant(
      columns({ mask: { customerId: { hash: 'person' }, placedAt: { generalise: 'day' } }, deny: ['internalNotes'] }),
    );
    expect(changes([before], [after])).toEqual([
      [
        'r read orders changes own tenant',
        'customerId: keepLast 4 → hash person',
        'placedAt: visible → generalise day',
        'total: redact → visible',
        'lines.unitPrice: hidden → visible',
        'internalNotes: visible → hidden',
      ],
    ]);
    expect(changes([grant()], [grant(columns({ mask: { lines: 'redact' } }))])[0]).toContain(
      'lines.sku: visible → redact',
    );
  });

  it('says which rows, by tenants and condition', () => {
    const paid = 'row.status == "paid"';
    expect(changes([grant({ condition: paid })], [grant()]).map(([head]) => head)).toEqual([
      'r read orders gains own tenant',
    ]);
    expect(changes([grant()], [grant({ condition: paid })]).map(([head]) => head)).toEqual([
      'r read orders loses own tenant',
    ]);
    expect(changes([grant()], [grant({ tenants: 'all' })]).map(([head]) => head)).toEqual([
      'r read orders gains all tenants',
    ]);
    expect(changes([grant()], [grant(), grant({ id: 'h', condition: paid })])).toEqual([]);
    const few = columns({ allow: ['orderId'] });
    expect(
      changes(
        [grant(few)],
        [grant(few), grant({ id: 'h', condition: paid, ...columns({ allow: ['orderId', 'total'] }) })],
      ),
    ).toEqual([[`r read orders gains own tenant, ${paid}`, 'total: hidden → visible']]);
  });

  it('says who may write rows that nobody sees', () => {
    const blind = grant({ actions: ['write'], ...columns({ deny: [...contractShapes.order.fields.keys()] }) });
    expect(changes([], [blind])).toEqual([['r write orders gains own tenant', 'rows: none → given']]);
    expect(changes([blind], [])).toEqual([['r write orders loses own tenant', 'rows: given → none']]);
    expect(changes([blind], [blind])).toEqual([]);
  });

  it('counts the condition of a view among those of its grants', () => {
    const view = shipped.streams.get('orders-west');
    if (view?.view === undefined) throw new Error('the shipped catalog has no such view');
    const where = compileCondition('row.storeId == "1"', { row: contractShapes.order });
    const narrower = new Map([...shipped.streams, ['orders-west', { ...view, view: { ...view.view, where } }]]);
    const found = compareCatalogs(shipped, { ...shipped, streams: narrower });
    expect(found.map(({ resource, kind, rows }) => [resource, kind, rows])).toEqual([
      ['orders-west', 'loses', `own tenant, ${view.view.where.source}`],
      ['orders-west', 'gains', 'own tenant, row.storeId == "1"'],
    ]);
  });

  it('knows what a stream that is gone took with it', () => {
    const without = new Map([...shipped.streams].filter(([name]) => name !== 'telemetry'));
    const lost = compareCatalogs(shipped, { ...shipped, streams: without });
    expect(lost.map(({ role, resource, kind }) => [role, resource, kind])).toEqual([
      ['operator', 'telemetry', 'loses'],
    ]);
  });
});
