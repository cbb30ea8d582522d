import { accountSchema, customerSchema, orderSchema } from '@tidegate/contracts';
import path from 'node:path';
import { openLedger, segmentOf } from '../accounts/ledger';
import { tenantOf } from '../tenant';
import { History, pricesOf, weekMs } from './history';
import { personOf } from './people';
import { readSample, type Sample } from './sample';

const now = Date.parse('2026-11-25T03:00:00Z');
const sample = readSample(path.resolve(__dirname, '../../data')) as Sample;
const ordersAt = (time: number) => {
  const history = new History(sample, time);
  return sample.orders.map((order) => history.order(order));
};
const orders = ordersAt(now);

describe('the sample', () => {
  it('keeps what real data is like', () => {
    expect(sample.households).toHaveLength(120);
    expect(sample.orders).toHaveLength(16_601);
    const sizes = sample.orders.map(({ lines }) => lines.length);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([1, 161]);
    expect(sample.orders.some(({ total }) => total === 0)).toBe(true);
    expect(sample.orders.some(({ total }) => total < 0)).toBe(true);
    expect(sample.orders.some(({ lines }) => lines.some(([, quantity]) => quantity === 0))).toBe(true);
    expect([...sample.products.values()].some(({ product }) => product === null)).toBe(true);
    expect(sample.households.filter(({ ageBand }) => ageBand !== undefined)).toHaveLength(60);
  });

  it('is not there in a folder without data', () => {
    expect(readSample(__dirname)).toBeUndefined();
  });
});

describe(History.name, () => {
  it('brings the last order into the week before now, on its own day of the week', () => {
    const lastAt = Date.parse(orders.at(-1)?.placedAt ?? '');
    expect(now - lastAt).toBeGreaterThanOrEqual(0);
    expect(now - lastAt).toBeLessThan(weekMs);
    expect(new Date(lastAt).getUTCDay()).toBe(new Date(sample.orders.at(-1)?.placedAt ?? '').getUTCDay());
  });

  it('makes rows that keep the contract, none of them touched after now', () => {
    const wrong = orders.filter(
      (order) =>
        !orderSchema.safeParse(order).success || order.placedAt > order.updatedAt || Date.parse(order.updatedAt) > now,
    );
    expect(wrong).toEqual([]);
  });

  it('leaves orders of the last hours on their way', () => {
    const lastAt = Date.parse(orders.at(-1)?.placedAt ?? '');
    const statuses = new Set(ordersAt(lastAt + 60_000).map(({ status }) => status));
    expect([...statuses].sort()).toEqual(['delivered', 'paid', 'picked', 'placed', 'shipped']);
  });

  it('gives few orders an internal note, and always the same', () => {
    const noted = orders.filter(({ internalNotes }) => internalNotes !== null);
    expect(noted.length / orders.length).toBeGreaterThan(0.02);
    expect(noted.length / orders.length).toBeLessThan(0.06);
    const again = ordersAt(now);
    expect(again.map(({ internalNotes }) => internalNotes)).toEqual(orders.map(({ internalNotes }) => internalNotes));
  });
});

describe('pricesOf()', () => {
  it('takes the latest price of what was really bought', () => {
    const sold = (lines: [string, number, number, number][]) => ({
      orderId: '1',
      customerId: '1',
      storeId: '1',
      placedAt: '2017-01-01T00:00:00.000Z',
      total: 1,
      lines,
    });
    const prices = pricesOf([
      sold([['a', 1, 2, 0]]),
      sold([['a', 1, 3, 0]]),
      sold([
        ['a', 0, 9, 0],
        ['b', 0, 1, 0],
      ]),
    ]);
    expect(Object.fromEntries(prices)).toEqual({ a: 3, b: 1 });
  });

  it('knows a price for every product of the sample', () => {
    const prices = pricesOf(sample.orders);
    expect([...sample.products.keys()].every((sku) => prices.has(sku))).toBe(true);
  });
});

describe('personOf()', () => {
  it('makes up the same person every time, and keeps to ranges that belong to nobody', () => {
    expect(personOf('13')).toEqual(personOf('13'));
    expect(personOf('13')).not.toEqual(personOf('14'));
    expect(personOf('13').email).toMatch(/@example\.com$/);
    expect(personOf('13').phone).toMatch(/^\+1 [2-9]\d\d 555 01\d\d$/);
  });

  it('makes customers and accounts that keep the contract', () => {
    for (const { customerId, ageBand, incomeBand, householdSize } of sample.households) {
      const { accountNumber, ...person } = personOf(customerId);
      const tenantId = tenantOf(customerId);
      customerSchema.parse({ customerId, tenantId, ...person, ageBand, incomeBand, householdSize });
      const holder = {
        accountId: `account-${customerId}`,
        customerId,
        tenantId,
        segment: segmentOf(incomeBand),
        currency: 'USD',
        customerName: person.name,
        accountNumber,
      };
      accountSchema.parse(openLedger(holder, [], new Date(now).toISOString()).account);
    }
  });
});
