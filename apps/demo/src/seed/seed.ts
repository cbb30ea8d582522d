import { topics, type Customer, type Order } from '@tidegate/contracts';
import { inTransaction, type Pool, type Queryable } from '@tidegate/postgres';
import type { Logger } from '@tidegate/telemetry';
import { openLedger, segmentOf, type Ledger } from '../accounts/ledger';
import { enqueue, type OutboxRecord } from '../outbox/outbox';
import { tenantOf } from '../tenant';
import { History, pricesOf } from './history';
import { chunks, insertRows } from './insert-rows';
import { personOf } from './people';
import { readSample, type Sample, type SampleHousehold, type SampleOrder } from './sample';

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
    const weeks = await seed(transaction, sample);
    const tookMs = Math.round(performance.now() - startedAt);
    logger.info({ orders: sample.orders.length, shiftWeeks: weeks, tookMs }, 'seeded the shop and the bank');
  });
}

async function seed(transaction: Queryable, sample: Sample): Promise<number> {
  const history = new History(sample, Date.now());
  const byCustomer = groupByCustomer(sample.orders);
  await seedCustomers(transaction, sample.households);
  await seedBank(transaction, sample.households, byCustomer, history);
  await seedProducts(transaction, sample);
  await seedBuyers(transaction, byCustomer);
  // Chunk by chunk, so that never all lines of all orders are objects at once.
  for (const some of chunks(sample.orders)) {
    await seedOrders(
      transaction,
      some.map((order) => history.order(order)),
    );
  }
  await transaction.query('INSERT INTO seed.data_sets (name, shift_weeks) VALUES ($1, $2)', [dataSet, history.weeks]);
  return history.weeks;
}

function groupByCustomer(orders: readonly SampleOrder[]): Map<string, SampleOrder[]> {
  const groups = new Map<string, SampleOrder[]>();
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
  orders: ReadonlyMap<string, SampleOrder[]>,
  history: History,
): Promise<void> {
  const ledgers = households.map((household) => ledgerOf(household, orders.get(household.customerId) ?? [], history));
  await insertRows(transaction, 'accounts.accounts', ledgers, {
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
  const movements = ledgers
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
    ...ledgers.map(({ account }) => ({ topic: topics.accounts, key: account.accountId, value: account })),
    ...movements.map(({ orderId: _, ...value }) => ({ topic: topics.transactions, key: value.accountId, value })),
  ]);
}

function ledgerOf(
  { customerId, incomeBand }: SampleHousehold,
  orders: readonly SampleOrder[],
  history: History,
): Ledger {
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
  const paid = orders.map((order) => ({ ...order, placedAt: history.placedAt(order) }));
  return openLedger(holder, paid, new Date().toISOString());
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

async function seedBuyers(
  transaction: Queryable,
  byCustomer: ReadonlyMap<string, readonly SampleOrder[]>,
): Promise<void> {
  await insertRows(transaction, 'orders.buyers', [...byCustomer], {
    customer_id: ['text', ([customerId]) => customerId],
    tenant_id: ['text', ([customerId]) => tenantOf(customerId)],
    // New orders go to the store where the household bought last.
    store_id: ['text', ([, orders]) => orders.at(-1)?.storeId ?? null],
  });
}

async function seedOrders(transaction: Queryable, orders: readonly Order[]): Promise<void> {
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
  for (const some of chunks(records)) await enqueue(transaction, some);
}
