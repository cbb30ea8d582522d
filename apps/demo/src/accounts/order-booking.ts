import { orderSchema, type Order } from '@tidegate/contracts';
import type { KafkaRecord } from '@tidegate/kafka';
import type { Pool } from '@tidegate/postgres';
import type { Logger } from '@tidegate/telemetry';
import { amountOf, transactionIdOf } from './ledger';
import { bookMovement } from './movement';

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

  private async book(order: Order): Promise<void> {
    const { orderId, customerId } = order;
    const movement = { transactionId: transactionIdOf(orderId), orderId, amount: amountOf(order) };
    const outcome = await bookMovement(this.pool, { ...movement, account: { customerId } });
    if (outcome === 'no_account') this.logger.warn({ orderId }, 'order of a customer without an account');
  }
}
