import { accountSchema, customerSchema, orderSchema, topics, transactionSchema, type Order } from '@tidegate/contracts';
import { startKafka, startPostgres, type KafkaCluster, type LocalStore } from '@tidegate/infra';
import { Shop } from './support/shop';
import { TopicLog } from './support/topic-log';

let kafka: KafkaCluster;
let postgres: LocalStore;
let shop: Shop;

interface Page {
  items: Order[];
  next: string | null;
}
interface Problem {
  code: string;
  errors?: { pointer: string }[];
}

beforeAll(async () => {
  [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
  shop = await Shop.start({ databaseUrl: postgres.url, brokers: kafka.brokers });
  await shop.untilSeedIsRelayed();
}, 120_000);

afterAll(async () => {
  await shop.stop();
  await Promise.all([kafka.stop(), postgres.stop()]);
}, 60_000);

describe('the demo services', () => {
  it('answer rows that keep the contract', async () => {
    const [customer, account, page] = await Promise.all([
      shop.call<object>('customers', '/customers/13'),
      shop.call<object>('accounts', '/accounts/by-customer/13'),
      shop.call<Page>('orders', '/orders?customerId=13&limit=5'),
    ]);
    expect(customerSchema.strict().parse(customer.body)).toMatchObject({ customerId: '13', tenantId: 'north' });
    expect(accountSchema.strict().parse(account.body)).toMatchObject({ accountId: 'account-13', segment: 'retail' });
    for (const order of page.body.items) expect(orderSchema.strict().parse(order).customerId).toBe('13');
  });

  it('list orders newest first, page by page, each once', async () => {
    const listed: Order[] = [];
    for (let after = ''; ;) {
      const { body } = await shop.call<Page>('orders', `/orders?customerId=13&limit=50${after}`);
      listed.push(...body.items);
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    expect(listed.length).toBeGreaterThanOrEqual(157);
    expect(new Set(listed.map(({ orderId }) => orderId)).size).toBe(listed.length);
    const times = listed.map(({ placedAt }) => placedAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(Date.now() - Date.parse(times[0] ?? '')).toBeLessThan(30 * 86_400_000);
  });

  it('take an order at today’s price, and move it one step at a time', async () => {
    const { status, body } = await shop.call<Order>('orders', '/orders', {
      customerId: '14',
      lines: [{ sku: '1082185', quantity: 3 }],
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ customerId: '14', tenantId: 'south', status: 'placed', currency: 'USD' });
    expect(body.total).toBeCloseTo(3 * (body.lines[0]?.unitPrice ?? 0), 2);
    expect(await shop.call('orders', `/orders/${body.orderId}`)).toEqual({ status: 200, body });

    expect((await shop.advance(body.orderId, 'shipped')).status).toBe(409);
    expect((await shop.advance(body.orderId, 'paid')).body.status).toBe('paid');
    expect((await shop.advance(body.orderId, 'paid')).status).toBe(409);
  });

  it.each([
    ['an unknown customer', { customerId: '999999', lines: [{ sku: '1082185', quantity: 1 }] }, 422, '/customerId'],
    [
      'an unknown product',
      {
        customerId: '13',
        lines: [
          { sku: '1082185', quantity: 1 },
          { sku: 'x', quantity: 1 },
        ],
      },
      422,
      '/lines/1/sku',
    ],
    ['no lines', { customerId: '13', lines: [] }, 400, '/lines'],
    ['a quantity of 0', { customerId: '13', lines: [{ sku: '1082185', quantity: 0 }] }, 400, '/lines/0/quantity'],
    ['an unknown field', { customerId: '13', total: 0, lines: [{ sku: '1082185', quantity: 1 }] }, 400, undefined],
  ])('refuse an order with %s and point to it', async (_what, order, status, pointer) => {
    const answer = await shop.call<Problem>('orders', '/orders', order);
    expect(answer.status).toBe(status);
    if (pointer !== undefined) expect(answer.body.errors?.map((error) => error.pointer)).toContain(pointer);
  });

  it.each([
    ['orders', '/orders/1', 404, 'not_found'],
    ['customers', '/customers/999999', 404, 'not_found'],
    ['accounts', '/accounts/by-customer/999999', 404, 'not_found'],
    ['orders', '/orders', 400, 'invalid_argument'],
    ['orders', '/orders?customerId=13&limit=101', 400, 'invalid_argument'],
    ['orders', '/orders?customerId=13&after=nonsense', 400, 'invalid_cursor'],
  ] as const)('answer %s %s with %i %s', async (service, target, status, code) => {
    const answer = await shop.call<Problem>(service, target);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it.each(['customers', 'orders', 'accounts'] as const)('let only services into %s', async (service) => {
    const target = {
      customers: '/customers/13',
      orders: '/orders?customerId=13',
      accounts: '/accounts/by-customer/13',
    };
    const customer = await shop.issue({ role: 'customer', subject: '13' });
    expect((await shop.callAs(undefined, service, target[service])).status).toBe(401);
    expect((await shop.callAs('nonsense', service, target[service])).status).toBe(401);
    expect((await shop.callAs(customer, service, target[service])).status).toBe(403);
  });

  it('take the token that a BFF gets for its own secret', async () => {
    const response = await fetch(`http://127.0.0.1:${shop.ports.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('mobile-bff:a%20secret%20of%20the%20tests').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    expect((await shop.callAs(access_token, 'customers', '/customers/13')).status).toBe(200);
  });
});

describe('the ledger', () => {
  it('books the debit of a new order once, tells Kafka, and keeps the balance', async () => {
    const [transactions, accounts] = await Promise.all([
      TopicLog.open(kafka.brokers, topics.transactions, 'latest'),
      TopicLog.open(kafka.brokers, topics.accounts, 'latest'),
    ]);
    const before = await shop.call<{ balance: number }>('accounts', '/accounts/by-customer/15');
    const { body: order } = await shop.place('15');
    await shop.advance(order.orderId, 'paid');
    await transactions.until(() => transactions.of('account-15').length > 0);
    await accounts.until(() => accounts.of('account-15').length > 0);
    const [booked] = transactions.of('account-15');
    const balance = Math.round((before.body.balance - order.total) * 100) / 100;
    expect(transactionSchema.strict().parse(booked)).toMatchObject({
      transactionId: `order-${order.orderId}`,
      amount: -order.total,
      balanceAfter: balance,
      tenantId: 'north',
    });
    expect(accounts.of('account-15').at(-1)).toMatchObject({ balance });

    // A second order that comes later proves that the first one's second record was seen, and booked nothing.
    const { body: next } = await shop.place('15');
    await transactions.until(() =>
      transactions.of('account-15').some(({ transactionId }) => transactionId === `order-${next.orderId}`),
    );
    expect(transactions.of('account-15')).toHaveLength(2);
    await Promise.all([transactions.close(), accounts.close()]);
  });

  it('holds for the whole history: each balance is the one before and the amount', async () => {
    const transactions = await TopicLog.open(kafka.brokers, topics.transactions, 'earliest');
    await transactions.until((records) => records.length >= 16_601, 60_000);
    const balances = new Map<string, number>();
    const wrong = transactions.records.filter(({ key, value }) => {
      const previous = balances.get(key);
      const { amount, balanceAfter } = transactionSchema.parse(value);
      balances.set(key, balanceAfter);
      return previous !== undefined && Math.abs(previous + amount - balanceAfter) > 0.001;
    });
    expect(wrong).toEqual([]);
    expect(balances.size).toBe(120);
    await transactions.close();
  });
});

describe('without Kafka', () => {
  it('starts, seeds and takes orders, says why it is not ready, and catches up by itself', async () => {
    const database = await startPostgres();
    const away = await startKafka();
    await away.nodes[0]?.kill();
    const alone = await Shop.start({ databaseUrl: database.url, brokers: away.brokers, until: 'live' });
    try {
      for (;;) {
        const { checks } = await alone.readiness();
        if (checks['data']?.ok === true) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { status, body } = await alone.place('13');
      expect(status).toBe(201);
      const { checks } = await alone.readiness();
      expect(checks['kafka']).toMatchObject({ ok: false });

      await away.nodes[0]?.restart();
      const orders = await untilOpen(away.brokers);
      await orders.until(() => orders.of(body.orderId).length > 0, 60_000);
      await orders.close();
    } finally {
      await alone.stop();
      await Promise.all([away.stop(), database.stop()]);
    }
  }, 180_000);
});

/** The topic is made some time after the broker is back. */
async function untilOpen(brokers: readonly string[]): Promise<TopicLog> {
  for (;;) {
    try {
      return await TopicLog.open(brokers, topics.orders, 'earliest');
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
