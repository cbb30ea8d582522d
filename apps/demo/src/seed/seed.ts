import { topics, type Customer, type Order } from '@tidegate/contracts';
import { inTransaction, type Pool, type Queryable } from '@tidegate/postgres';
import type { Logger } from '@tidegate/telemetry';
import { bookHistory, segmentOf, type History } from '../accounts/ledger';
import { enqueue, type OutboxRecord } from '../outbox/outbox';
import { tenantOf } from '../tenant';
import { ordersOf, pricesOf, shiftWeeks } from './history';
import { insertRows } from './insert-rows';
import { personOf } from './people';
import { readSample, type Sample, type SampleHousehold } from './sample';

const dataSet = 'orders';
// Any number will do as long as all replicas take the same one.
const lockId = 7_433_003;

/** Fills the tables and the outbox from the sample, if that was never done; says so where there is no sample. */
export async function seedOnce(pool: Pool, directory: string, logger: Logger): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [lockId]);
    const { count } = await transaction.query('SELECT 1 FROM seed.data_sets WHERE name = $1', [dataSet]);
    if (count > 0) return;
    const sample = readSample(directory);
    if (sample === undefined) {
      logger.warn({ directory }, 'no sample data found: starting with an empty shop');
      return;
    }
    const startedAt = performance.now();
    const weeks = await seed(transaction, sample, Date.now());
    const tookMs = Math.round(performance.now() - startedAt);
    logger.info({ orders: sample.orders.length, shiftWeeks: weeks, tookMs }, 'seeded the shop and the bank');
  });
}

async function seed(transaction: Queryable, sample: Sample, now: number): Promise<number> {
  const weeks = shiftWeeks(sample.orders.at(-1)?.placedAt ?? new Date(now).toISOString(), now);
  const orders = ordersOf(sample, weeks, now);
  const byCustomer = groupByCustomer(orders);
  await seedCustomers(transaction, sample.households);
  await seedBank(transaction, sample.households, byCustomer, new Date(now).toISOString());
  await seedProducts(transaction, sample);
  await seedOrders(transaction, orders, byCustomer);
  await transaction.query('INSERT INTO seed.data_sets (name, shift_weeks) VALUES ($1, $2)', [dataSet, weeks]);
  return weeks;
}

function groupByCustomer(orders: readonly Order[]): Map<string, Order[]> {
  const groups = new Map<string, Order[]>();
  for (const order of orders) {
    const group = groups.get(order.customerId);
    if (group) group.push(order);
    else groups.set(order.customerId, [order]);
  }
  return groups;
}

async function seedCustomers(transaction: Queryable, households: readonly SampleHousehold[]): Promise<void> {
  const customers = households.map(customerOf);
  await insertRows(transaction, 'customers.customers', customers, {
    customer_id: ['text', (customer) => customer.customerId],
    tenant_id: ['text', (customer) => customer.tenantId],
    name: ['text', (customer) => customer.name],
    email: ['text', (customer) => customer.email],
    phone: ['text', (customer) => customer.phone],
    address: ['text', (customer) => customer.address],
    age_band: ['text', (customer) => customer.ageBand ?? null],
    income_band: ['text', (customer) => customer.incomeBand ?? null],
    household_size: ['text', (customer) => customer.householdSize ?? null],
  });
  await enqueueAll(
    transaction,
    customers.map((value) => ({ topic: topics.customers, key: value.customerId, value })),
  );
}

/** Demographics that are not known are left out: most households have none. */
function customerOf({ customerId, ageBand, incomeBand, householdSize }: SampleHousehold): Customer {
  const { name, email, phone, address } = personOf(customerId);
  return {
    customerId,
    tenantId: tenantOf(customerId),
    name,
    email,
    phone,
    address,
    ...(ageBand && { ageBand }),
    ...(incomeBand && { incomeBand }),
    ...(householdSize && { householdSize }),
  };
}

async function seedBank(
  transaction: Queryable,
  households: readonly SampleHousehold[],
  orders: ReadonlyMap<string, Order[]>,
  now: string,
): Promise<void> {
  const histories = households.map((household) => historyOf(household, orders.get(household.customerId) ?? [], now));
  await insertRows(transaction, 'accounts.accounts', histories, {
    account_id: ['text', ({ account }) => account.accountId],
    customer_id: ['text', ({ account }) => account.customerId],
    tenant_id: ['text', ({ account }) => account.tenantId],
    segment: ['text', ({ account }) => account.segment],
    currency: ['text', ({ account }) => account.currency],
    balance: ['numeric', ({ account }) => account.balance],
    account_number: ['text', ({ account }) => personOf(account.customerId).accountNumber],
    customer_name: ['text', ({ account }) => personOf(account.customerId).name],
    updated_at: ['timestamptz', ({ account }) => account.updatedAt],
  });
  const movements = histories
    .flatMap(({ transactions }) => transactions)
    .sort((a, b) => a.bookedAt.localeCompare(b.bookedAt));
  await insertRows(transaction, 'accounts.transactions', movements, {
    transaction_id: ['text', (movement) => movement.transactionId],
    order_id: ['text', (movement) => movement.orderId],
    account_id: ['text', (movement) => movement.accountId],
    amount: ['numeric', (movement) => movement.amount],
    balance_after: ['numeric', (movement) => movement.balanceAfter],
    booked_at: ['timestamptz', (movement) => movement.bookedAt],
  });
  await enqueueAll(transaction, [
    ...histories.map(({ account }) => ({ topic: topics.accounts, key: account.accountId, value: account })),
    ...movements.map(({ orderId: _, ...value }) => ({ topic: topics.transactions, key: value.accountId, value })),
  ]);
}

function historyOf({ customerId, incomeBand }: SampleHousehold, orders: readonly Order[], now: string): History {
  const { name, accountNumber } = personOf(customerId);
  const holder = {
    accountId: `account-${customerId}`,
    customerId,
    tenantId: tenantOf(customerId),
    segment: segmentOf(incomeBand),
    currency: 'USD',
    customerName: name,
    accountNumber,
  };
  return bookHistory(holder, orders, now);
}

async function seedProducts(transaction: Queryable, sample: Sample): Promise<void> {
  const prices = pricesOf(sample.orders);
  await insertRows(transaction, 'orders.products', [...sample.products.values()], {
    sku: ['text', ({ sku }) => sku],
    product: ['text', ({ product }) => product],
    brand: ['text', ({ brand }) => brand],
    department: ['text', ({ department }) => department],
    unit_price: ['numeric', ({ sku }) => prices.get(sku) ?? 0],
  });
}

async function seedOrders(
  transaction: Queryable,
  orders: readonly Order[],
  byCustomer: ReadonlyMap<string, Order[]>,
): Promise<void> {
  await insertRows(transaction, 'orders.buyers', [...byCustomer.values()], {
    customer_id: ['text', (own) => own.at(-1)?.customerId ?? null],
    tenant_id: ['text', (own) => own.at(-1)?.tenantId ?? null],
    store_id: ['text', (own) => own.at(-1)?.storeId ?? null],
  });
  await insertRows(transaction, 'orders.orders', orders, {
    order_id: ['text', (order) => order.orderId],
    customer_id: ['text', (order) => order.customerId],
    tenant_id: ['text', (order) => order.tenantId],
    status: ['text', (order) => order.status],
    placed_at: ['timestamptz', (order) => order.placedAt],
    updated_at: ['timestamptz', (order) => order.updatedAt],
    total: ['numeric', (order) => order.total],
    currency: ['text', (order) => order.currency],
    store_id: ['text', (order) => order.storeId],
    lines: ['json', (order) => JSON.stringify(order.lines)],
    internal_notes: ['text', (order) => order.internalNotes ?? null],
  });
  await enqueueAll(
    transaction,
    orders.map((value) => ({ topic: topics.orders, key: value.orderId, value })),
  );
}

async function enqueueAll(transaction: Queryable, records: readonly OutboxRecord[]): Promise<void> {
  const chunk = 1_000;
  for (let from = 0; from < records.length; from += chunk) {
    await enqueue(transaction, records.slice(from, from + chunk));
  }
}
