import { accountSchema, transactionSchema } from '@tidegate/contracts';
import { amountOf, openLedger, segmentOf } from './ledger';

const holder = {
  accountId: 'account-13',
  customerId: '13',
  tenantId: 'north',
  segment: 'retail' as const,
  currency: 'USD',
  customerName: 'Ada Kim',
  accountNumber: '4012345678',
};
const order = (orderId: string, total: number) => ({ orderId, total, placedAt: `2026-11-0${orderId}T10:00:00.000Z` });

describe('openLedger()', () => {
  it('runs the balance down order by order, exact to the cent', () => {
    const orders = [order('1', 0.1), order('2', 0.2), order('3', 4_999.7)];
    const { account, transactions } = openLedger(holder, orders, '2026-01-01T00:00:00.000Z');
    expect(transactions.map(({ amount }) => amount)).toEqual([-0.1, -0.2, -4_999.7]);
    expect(transactions.map(({ balanceAfter }) => balanceAfter)).toEqual([9_999.9, 9_999.7, 5_000]);
    expect(account).toMatchObject({ balance: 5_000, updatedAt: '2026-11-03T10:00:00.000Z' });
  });

  it('books totals of zero and gives back totals below zero', () => {
    const { transactions } = openLedger(holder, [order('1', 0), order('2', -1.5)], '2026-01-01T00:00:00.000Z');
    expect(transactions.map(({ amount }) => amount)).toEqual([0, 1.5]);
    expect(Object.is(amountOf({ total: 0 }), 0)).toBe(true);
  });

  it('opens an account for somebody who never bought', () => {
    const { account, transactions } = openLedger(holder, [], '2026-01-01T00:00:00.000Z');
    expect(transactions).toEqual([]);
    expect(accountSchema.parse(account)).toMatchObject({ balance: 5_000, updatedAt: '2026-01-01T00:00:00.000Z' });
  });

  it('makes rows that keep the contract', () => {
    const [transaction] = openLedger(holder, [order('1', 7.88)], '2026-01-01T00:00:00.000Z').transactions;
    expect(() => transactionSchema.parse(transaction)).not.toThrow();
  });
});

describe('segmentOf()', () => {
  it.each([
    ['250K+', 'business'],
    ['150-174K', 'business'],
    ['125-149K', 'retail'],
    [null, 'retail'],
    [undefined, 'retail'],
  ])('puts an income of %s into %s', (income, segment) => {
    expect(segmentOf(income)).toBe(segment);
  });
});
