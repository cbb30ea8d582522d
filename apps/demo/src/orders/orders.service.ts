import { Injectable } from '@nestjs/common';
import { topics, type Order, type OrderLine, type OrderStatus, type PlaceOrder } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { inTransaction, Pool, type Queryable } from '@tidegate/postgres';
import { enqueue } from '../outbox/outbox';
import { toOrder, type OrderRow } from './order-row';
import type { ListOrders, OrderPage } from './orders.dto';
import { decodePlace, encodePlace } from './page';
import { priceLines, totalOf, type Product } from './pricing';
import { assertNext } from './status';

/** What somebody buys, priced. */
export interface Basket {
  customerId: string;
  tenantId: string;
  storeId: string;
  lines: OrderLine[];
  total: number;
}

const columns = `order_id, customer_id, tenant_id, status, placed_at, updated_at, total, currency, store_id, lines,
  internal_notes`;

/** Orders of the shop. Every change is in the outbox when it is in the table. */
@Injectable()
export class OrdersService {
  constructor(private readonly pool: Pool) {}

  /** A customer's orders, newest first. */
  async list({ customerId, limit, after }: ListOrders): Promise<OrderPage> {
    const place = after === undefined ? undefined : decodePlace(after);
    const { rows } = await this.pool.query<OrderRow>(
      `SELECT ${columns} FROM orders.orders
       WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR (placed_at, order_id) < ($2, $3))
       ORDER BY placed_at DESC, order_id DESC LIMIT $4`,
      [customerId, place?.placedAt ?? null, place?.orderId ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).map(toOrder);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last !== undefined ? encodePlace(last) : null };
  }

  async get(orderId: string): Promise<Order> {
    return toOrder(await this.find(this.pool, orderId));
  }

  /** @throws AppError `unprocessable` for a customer or product that the shop does not know. */
  async place({ customerId, lines: asked }: PlaceOrder): Promise<Order> {
    const buyer = await this.buyer(customerId);
    const skus = [...new Set(asked.map(({ sku }) => sku))];
    const lines = priceLines(asked, await this.products(skus));
    return this.record({ ...buyer, lines, total: totalOf(lines) });
  }

  /** Places a basket that has its prices already. */
  record({ customerId, tenantId, storeId, lines, total }: Basket): Promise<Order> {
    return inTransaction(this.pool, async (transaction) => {
      const { rows } = await transaction.query<OrderRow>(
        `INSERT INTO orders.orders (${columns})
         VALUES (nextval('orders.order_ids')::text, $1, $2, 'placed', $3, $3, $4, 'USD', $5, $6, NULL)
         RETURNING ${columns}`,
        [customerId, tenantId, new Date(), total, storeId, JSON.stringify(lines)],
      );
      return this.publish(transaction, rows[0]);
    });
  }

  /** Moves an order one step on. @throws AppError `conflict` when `status` is not its next step. */
  advance(orderId: string, status: OrderStatus): Promise<Order> {
    return inTransaction(this.pool, async (transaction) => {
      const current = await this.find(transaction, orderId, 'FOR UPDATE');
      assertNext(orderId, current.status, status);
      const { rows } = await transaction.query<OrderRow>(
        `UPDATE orders.orders SET status = $2, updated_at = $3 WHERE order_id = $1 RETURNING ${columns}`,
        [orderId, status, new Date()],
      );
      return this.publish(transaction, rows[0]);
    });
  }

  private async find(database: Queryable, orderId: string, lock: 'FOR UPDATE' | '' = ''): Promise<OrderRow> {
    const { rows } = await database.query<OrderRow>(
      `SELECT ${columns} FROM orders.orders WHERE order_id = $1 ${lock}`,
      [orderId],
    );
    if (rows[0] === undefined) throw new AppError('not_found', `There is no order ${orderId}.`);
    return rows[0];
  }

  private async publish(transaction: Queryable, row: OrderRow | undefined): Promise<Order> {
    if (row === undefined) throw new AppError('internal', 'The order was not saved.');
    const order = toOrder(row);
    await enqueue(transaction, [{ topic: topics.orders, key: order.orderId, value: order }]);
    return order;
  }

  private async buyer(customerId: string): Promise<Pick<Basket, 'customerId' | 'tenantId' | 'storeId'>> {
    const { rows } = await this.pool.query<{ tenant_id: string; store_id: string }>(
      'SELECT tenant_id, store_id FROM orders.buyers WHERE customer_id = $1',
      [customerId],
    );
    const [buyer] = rows;
    if (buyer === undefined) {
      throw new AppError('unprocessable', `There is no customer ${customerId}.`, {
        details: [{ pointer: '/customerId', detail: 'must be the number of a household of the shop' }],
      });
    }
    return { customerId, tenantId: buyer.tenant_id, storeId: buyer.store_id };
  }

  private async products(skus: readonly string[]): Promise<Map<string, Product>> {
    const { rows } = await this.pool.query<Omit<Product, 'unitPrice'> & { unit_price: string }>(
      'SELECT sku, product, brand, department, unit_price FROM orders.products WHERE sku = ANY ($1::text[])',
      [skus],
    );
    return new Map(
      rows.map(({ unit_price, ...product }) => [product.sku, { ...product, unitPrice: Number(unit_price) }]),
    );
  }
}
