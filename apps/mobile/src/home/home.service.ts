import { Injectable } from '@nestjs/common';
import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { VisibleRows } from '@tidegate/upstream';
import { type OrderPage } from '../orders/orders.dto';
import { OrdersService } from '../orders/orders.service';
import { Services } from '../services/services';

const ordersOnHome = 5;

export interface Home {
  customer: JsonObject | null;
  orders: OrderPage | null;
  account: JsonObject | null;
  /** The parts that could not be had, by name; absent when all are there. */
  unavailable?: string[];
}

@Injectable()
export class HomeService {
  constructor(
    private readonly services: Services,
    private readonly orders: OrdersService,
    private readonly rows: VisibleRows,
  ) {}

  /**
   * The first screen in one answer, its parts asked for side by side.
   * @throws AppError of the first part when no part can be had.
   */
  async get(principal: Principal): Promise<Home> {
    const id = encodeURIComponent(principal.subject);
    const [customer, orders, account] = await Promise.allSettled([
      this.part(principal, 'customers', this.services.customers.get(`/customers/${id}`)),
      this.orders.list(principal, { limit: ordersOnHome }),
      this.part(principal, 'accounts', this.services.accounts.get(`/accounts/by-customer/${id}`)),
    ]);
    if (customer.status === 'rejected' && orders.status === 'rejected' && account.status === 'rejected') {
      throw AppError.from(customer.reason);
    }
    const parts = { customer, orders, account };
    const unavailable = Object.entries(parts).flatMap(([name, part]) => (isUnavailable(part) ? [name] : []));
    return {
      customer: valueOf(customer),
      orders: valueOf(orders),
      account: valueOf(account),
      ...(unavailable.length > 0 && { unavailable }),
    };
  }

  private async part(principal: Principal, resource: string, row: Promise<JsonObject>): Promise<JsonObject> {
    return this.rows.one(principal, resource, await row);
  }
}

/** A part that does not exist is simply null; one that failed is named. */
function isUnavailable(part: PromiseSettledResult<unknown>): boolean {
  return part.status === 'rejected' && AppError.from(part.reason).code !== 'not_found';
}

function valueOf<T>(part: PromiseSettledResult<T>): T | null {
  return part.status === 'fulfilled' ? part.value : null;
}
