import { Inject, Injectable } from '@nestjs/common';
import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { LOGGER, type Logger } from '@tidegate/telemetry';
import { VisibleRows } from '@tidegate/upstream';
import { type Dashboard, type Part } from './dashboard.dto';
import { Services } from './services';

const ordersShown = 10;

interface Outcome<T> {
  value: T | null;
  error: AppError | undefined;
}

@Injectable()
export class DashboardService {
  constructor(
    private readonly services: Services,
    private readonly rows: VisibleRows,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * What the caller may see of a customer: three services, asked side by side, each with the same time for its answer.
   * A part that cannot be had is null and says why.
   *
   * @throws AppError `not_found` when there is nothing for this caller, `upstream_failed` when no service answers
   */
  async get(caller: Principal, customerId: string): Promise<Dashboard> {
    const { services, rows } = this;
    const [customer, recentOrders, account] = await Promise.all([
      this.part(caller, 'customers', async () => {
        return rows.one(caller, 'customers', await services.customers.get(`/customers/${customerId}`));
      }),
      this.part(caller, 'orders', async () => {
        const { items } = await services.orders.get('/orders', { customerId, limit: ordersShown });
        return rows.many(caller, 'orders', items);
      }),
      this.part(caller, 'accounts', async () => {
        return rows.one(caller, 'accounts', await services.accounts.get(`/accounts/by-customer/${customerId}`));
      }),
    ]);
    refuseIfNothing({ customer, recentOrders, account });
    return {
      customer: customer.value,
      recentOrders: recentOrders.value,
      account: account.value,
      parts: { customer: partOf(customer), recentOrders: partOf(recentOrders), account: partOf(account) },
    };
  }

  /** No service is asked for what the caller may see nothing of. */
  private async part<T>(caller: Principal, resource: string, ask: () => Promise<T>): Promise<Outcome<T>> {
    try {
      this.rows.view(caller, resource, ['customerId']);
      return { value: await ask(), error: undefined };
    } catch (reason) {
      const error = AppError.from(reason);
      // The answer stays a success, so nobody else would say it.
      if (error.code === 'internal') this.logger.error({ err: error, resource }, 'a part of a dashboard broke');
      else if (error.code !== 'not_found') this.logger.info({ err: error, resource }, 'a part of a dashboard failed');
      return { value: null, error };
    }
  }
}

/** A customer of nobody and one of another tenant are answered alike, also while a service fails. */
function refuseIfNothing(parts: {
  customer: Outcome<JsonObject>;
  recentOrders: Outcome<JsonObject[]>;
  account: Outcome<JsonObject>;
}): void {
  const { customer, recentOrders, account } = parts;
  const visible = customer.value !== null || account.value !== null || (recentOrders.value ?? []).length > 0;
  if (visible) return;
  if (customer.error?.code === 'not_found') throw customer.error;
  if (recentOrders.value !== null) return;
  const causes = [customer.error, recentOrders.error, account.error];
  const retryAfterMs = Math.max(...causes.map((error) => error?.retryAfterMs ?? 0));
  throw new AppError('upstream_failed', 'No part of this dashboard can be had at the moment.', {
    cause: new AggregateError(causes),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

function partOf({ error }: Outcome<unknown>): Part {
  return error === undefined ? { status: 'fresh', ageMs: 0 } : { status: 'failed', ageMs: 0, code: error.code };
}
