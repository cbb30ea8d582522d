import { orderSchema, topics, type Order } from '@tidegate/contracts';
import type { KafkaRecord } from '@tidegate/kafka';
import { inTransaction, type Pool, type Queryable } from '@tidegate/postgres';
import type { Logger } from '@tidegate/telemetry';
import { enqueue } from '../outbox/outbox';
import { toAccount, toTransaction, type AccountRow } from './account-row';
import { amountOf, transactionIdOf } from './ledger';

/**
 * Books the debit of every order on `shop.orders` when the order is first seen, whatever its status, and once per
 * `orderId` however often the order comes.
 */
export class OrderBooking {
  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  async onBatch(records: readonly KafkaRecord[]): Promise<void> {
    const orders = new Map(records.flatMap((record) => this.decode(record)).map((order) => [order.orderId, order]));
    for (const booked of await this.booked([...orders.keys()])) orders.delete(booked);
    for (const order of orders.values()) await this.book(order);
  }

  private decode({ topic, partition, offset, value }: KafkaRecord): Order[] {
    if (value === null) return [];
    try {
      return [orderSchema.parse(JSON.parse(value.toString()))];
    } catch (error) {
      this.logger.warn({ topic, partition, offset: String(offset), err: error }, 'record is no order: not booked');
      return [];
    }
  }

  private async booked(orderIds: readonly string[]): Promise<string[]> {
    if (orderIds.length === 0) return [];
    const { rows } = await this.pool.query<{ order_id: string }>(
      'SELECT order_id FROM accounts.transactions WHERE order_id = ANY ($1::text[])',
      [orderIds],
    );
    return rows.map(({ order_id }) => order_id);
  }

  private book(order: Order): Promise<void> {
    return inTransaction(this.pool, async (transaction) => {
      const account = await this.debit(transaction, order);
      if (account === undefined) return;
      const amount = amountOf(order);
      const movement = toTransaction(transactionIdOf(order.orderId), amount, account);
      const { count } = await transaction.query(
        `INSERT INTO accounts.transactions (transaction_id, order_id, account_id, amount, balance_after, booked_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        [movement.transactionId, order.orderId, movement.accountId, amount, account.balance, account.updated_at],
      );
      if (count === 0) throw new AlreadyBooked();
      await enqueue(transaction, [
        { topic: topics.transactions, key: movement.accountId, value: movement },
        { topic: topics.accounts, key: movement.accountId, value: toAccount(account) },
      ]);
    }).catch((error: unknown) => {
      if (!(error instanceof AlreadyBooked)) throw error;
    });
  }

  /** Changes the balance, and with that locks the account until the end of the transaction. */
  private async debit(transaction: Queryable, order: Order): Promise<AccountRow | undefined> {
    const { rows } = await transaction.query<AccountRow>(
      `UPDATE accounts.accounts SET balance = balance + $2::numeric, updated_at = $3 WHERE customer_id = $1 RETURNING *`,
      [order.customerId, amountOf(order), new Date()],
    );
    if (rows[0] === undefined) this.logger.warn({ orderId: order.orderId }, 'order of a customer without an account');
    return rows[0];
  }
}

/** Rolls the debit back: another replica booked the order between our look and our insert. */
class AlreadyBooked extends Error {}
