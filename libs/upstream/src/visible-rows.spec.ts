import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { type Policy } from '@tidegate/policy';
import { VisibleRows } from './visible-rows';

const caller: Principal = { subject: '13', tenant: 'north', roles: [], expiresAtMs: 0, claims: {} };

/** Of `orders`, the rows of north without their notes; nothing of anything else. */
const policy = {
  view: (_: Principal, resource: string) =>
    resource === 'orders'
      ? {
          apply: ({ notes: _notes, ...row }: JsonObject) => (row['tenantId'] === 'north' ? row : undefined),
          restricted: (field: string) => field === 'notes',
        }
      : undefined,
} as unknown as Policy;
const rows = new VisibleRows(policy);

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return AppError.from(error).code;
  }
};

describe(VisibleRows.name, () => {
  it('cuts a row to what the caller may see', () => {
    expect(rows.one(caller, 'orders', { tenantId: 'north', notes: 'x' })).toEqual({ tenantId: 'north' });
  });

  it('answers a row, and a resource, that is not for the caller as not found', () => {
    expect(codeOf(() => rows.one(caller, 'orders', { tenantId: 'south' }))).toBe('not_found');
    expect(codeOf(() => rows.one(caller, 'accounts', { tenantId: 'north' }))).toBe('not_found');
    expect(codeOf(() => rows.view(caller, 'accounts'))).toBe('not_found');
  });

  it('lets nobody look rows up by what is hidden from them', () => {
    expect(codeOf(() => rows.view(caller, 'orders', ['orderId', 'notes']))).toBe('not_found');
    expect(codeOf(() => rows.view(caller, 'orders', ['orderId']))).toBe('none');
  });

  it('leaves out of a list what is not for the caller, and what is no row', () => {
    const items = [{ tenantId: 'north', notes: 'x' }, { tenantId: 'south' }, 7, null, [{ tenantId: 'north' }]];
    expect(rows.many(caller, 'orders', items)).toEqual([{ tenantId: 'north' }]);
  });

  it.each([undefined, null, {}, 'text'])('takes %p for a broken answer and for no list', (items) => {
    expect(codeOf(() => rows.many(caller, 'orders', items))).toBe('upstream_failed');
  });
});
