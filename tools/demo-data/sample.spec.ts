import { chooseHouseholds, deriveHousehold, deriveOrders, deriveProduct, type Line } from './sample.ts';

function line(overrides: Partial<Line> = {}): Line {
  return {
    household_id: 900n,
    store_id: 330n,
    basket_id: 31198570044n,
    product_id: 1095275n,
    quantity: 1n,
    sales_value: 0.5,
    retail_disc: 0,
    coupon_disc: 0,
    coupon_match_disc: 0,
    transaction_timestamp: new Date('2017-01-01T11:53:26Z'),
    ...overrides,
  };
}

describe('chooseHouseholds()', () => {
  it('takes the first hundred that buy, and later ones up to number 20', () => {
    const lines = [...Array.from({ length: 150 }, (_, n) => 1000n + BigInt(n)), 20n, 21n].map((household_id) =>
      line({ household_id }),
    );
    const chosen = chooseHouseholds(lines);
    expect(chosen.size).toBe(101);
    expect([1099n, 1100n, 20n, 21n].map((household) => chosen.has(household))).toEqual([true, false, true, false]);
  });
});

describe('deriveOrders()', () => {
  it('makes one order of a basket, oldest first', () => {
    const later = new Date('2017-02-01T00:00:00Z');
    const orders = deriveOrders([
      line({ basket_id: 2n, transaction_timestamp: later }),
      line({ basket_id: 1n }),
      line({ basket_id: 2n, product_id: 7n, transaction_timestamp: later }),
    ]);
    expect(orders.map((order) => [order.orderId, order.lines.length])).toEqual([
      ['1', 1],
      ['2', 2],
    ]);
  });

  it('adds up what was paid: coupons off, also below zero', () => {
    const [order] = deriveOrders([line({ sales_value: 1, coupon_disc: 1.5 })]);
    expect(order?.total).toBe(-0.5);
    expect(order?.lines[0]).toEqual(['1095275', 1, 1, 1.5]);
  });

  it('lists the price before discounts, with enough digits for fuel', () => {
    const [order] = deriveOrders([line({ quantity: 7241n, sales_value: 15.92, retail_disc: 0.5 })]);
    const [, quantity, unitPrice, discount] = order?.lines[0] ?? ['', 0, 0, 0];
    expect(quantity * unitPrice - discount).toBeCloseTo(15.92, 2);
  });

  it('keeps lines of quantity 0, whose price is that of the line', () => {
    const [order] = deriveOrders([line({ quantity: 0n, sales_value: 0.25 })]);
    expect(order?.lines).toEqual([['1095275', 0, 0.25, 0]]);
  });
});

describe('deriveProduct() and deriveHousehold()', () => {
  it('keep what is not known as not known', () => {
    expect(deriveProduct('7', undefined)).toEqual({ sku: '7', product: null, brand: null, department: null });
    expect(deriveHousehold(900n, undefined)).toEqual({ customerId: '900' });
  });
});
