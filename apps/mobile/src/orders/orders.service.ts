import { Injectable } from '@nestjs/common';
import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
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
    const page = await this.services.orders.get('/orders', { customerId: principal.subject, limit, after });
    const { items, next } = page;
    return { items: this.rows.many(principal, 'orders', items), next: typeof next === 'string' ? next : null };
  }

  async get(principal: Principal, orderId: string): Promise<JsonObject> {
    const row = await this.services.orders.get(`/orders/${encodeURIComponent(orderId)}`);
    return this.rows.one(principal, 'orders', row);
  }
}
