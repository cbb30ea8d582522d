import { Injectable } from '@nestjs/common';
import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { VisibleRows } from '@tidegate/upstream';
import { Services } from '../services/services';
import { type ListOrders, type OrderPage } from './orders.dto';

@Injectable()
export class OrdersService {
  constructor(
    private readonly services: Services,
    private readonly rows: VisibleRows,
  ) {}

  /** The caller's own orders, newest first. */
  async list(principal: Principal, { limit, after }: ListOrders): Promise<OrderPage> {
    const page = this.services.orders.get('/orders', { customerId: principal.subject, limit, after });
    const { items, next } = await page.catch((error: unknown) => {
      throw refusesCursor(error) && after !== undefined ? invalidCursor() : error;
    });
    return { items: this.rows.many(principal, 'orders', items), next: typeof next === 'string' ? next : null };
  }

  async get(principal: Principal, orderId: string): Promise<JsonObject> {
    this.rows.view(principal, 'orders', ['orderId']);
    const row = await this.services.orders.get(`/orders/${encodeURIComponent(orderId)}`);
    return this.rows.one(principal, 'orders', row);
  }
}

/** Everything else in the request is ours or was checked: what the service refuses is the cursor. */
function refusesCursor(error: unknown): boolean {
  return AppError.is(error) && error.code === 'invalid_argument';
}

function invalidCursor(): AppError {
  const details = [{ pointer: '/after', detail: 'Take the value of `next` of an earlier page, or leave it out.' }];
  return new AppError('invalid_cursor', 'The cursor is not one of ours, or it is damaged.', { details });
}
