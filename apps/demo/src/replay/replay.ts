import type { OrderLine, OrderStatus } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Pool } from '@tidegate/postgres';
import type { Logger } from '@tidegate/telemetry';
import type { OrdersService } from '../orders/orders.service';
import { nextStatus } from '../orders/status';

export interface ReplayDeps {
  pool: Pool;
  orders: OrdersService;
  /** Of several replicas one replays. */
  active: () => boolean;
  logger: Logger;
}

/** The shop's own pace in the data: 18 orders an hour of a hundred households. */
const realIntervalMs = 3_600_000 / 18;
/** A step of an order comes so many orders after the one before. */
const ordersPerStep = 3;
// An order takes four steps, so this also works off what the seed left open.
const stepsPerOrder = 8;

/** Keeps the shop busy: baskets that somebody bought once are bought again, and open orders go their way. */
export class Replay {
  private readonly intervalMs: number;
  private timer: NodeJS.Timeout | undefined;
  private tick: Promise<void> = Promise.resolve();
  private stopping = false;
  private failing = false;

  /** `speed` times faster than the shop of the data; 0 is off. */
  constructor(
    speed: number,
    private readonly deps: ReplayDeps,
  ) {
    this.intervalMs = speed === 0 ? Infinity : realIntervalMs / speed;
  }

  start(): void {
    if (this.intervalMs === Infinity || this.stopping) return;
    this.timer = setTimeout(() => {
      this.tick = this.run().finally(() => this.start());
    }, this.intervalMs);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.tick;
  }

  private async run(): Promise<void> {
    if (!this.deps.active()) return;
    try {
      await this.placeOrder();
      await this.moveOrders();
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.deps.logger.warn({ err: AppError.from(error) }, 'replay is waiting');
      this.failing = true;
    }
  }

  private async placeOrder(): Promise<void> {
    const { rows } = await this.deps.pool.query<{
      customer_id: string;
      tenant_id: string;
      store_id: string;
      lines: OrderLine[];
      total: string;
    }>(
      // Orders of the sample only: our own ids begin with a 5.
      `SELECT customer_id, tenant_id, store_id, lines, total FROM orders.orders
       WHERE order_id < '5'
       ORDER BY order_id OFFSET floor(random() * (SELECT count(*) FROM orders.orders WHERE order_id < '5')) LIMIT 1`,
    );
    const [basket] = rows;
    if (basket === undefined) return;
    await this.deps.orders.record({
      customerId: basket.customer_id,
      tenantId: basket.tenant_id,
      storeId: basket.store_id,
      lines: basket.lines,
      total: Number(basket.total),
    });
  }

  private async moveOrders(): Promise<void> {
    const before = new Date(Date.now() - ordersPerStep * this.intervalMs);
    const { rows } = await this.deps.pool.query<{ order_id: string; status: OrderStatus }>(
      `SELECT order_id, status FROM orders.orders WHERE status <> 'delivered' AND updated_at <= $1
       ORDER BY updated_at LIMIT $2`,
      [before, stepsPerOrder],
    );
    for (const { order_id, status } of rows) {
      const next = nextStatus(status);
      if (next !== undefined) await this.deps.orders.advance(order_id, next);
    }
  }
}
