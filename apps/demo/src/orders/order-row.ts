import type { Order, OrderLine, OrderStatus } from '@tidegate/contracts';
import type { Row } from '@tidegate/postgres';

/** A row of `orders.orders` as the driver gives it. */
export interface OrderRow extends Row {
  order_id: string;
  customer_id: string;
  tenant_id: string;
  status: OrderStatus;
  placed_at: Date;
  updated_at: Date;
  total: string;
  currency: string;
  store_id: string;
  lines: OrderLine[];
  internal_notes: string | null;
}

export function toOrder(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    customerId: row.customer_id,
    tenantId: row.tenant_id,
    status: row.status,
    placedAt: row.placed_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    total: Number(row.total),
    currency: row.currency,
    storeId: row.store_id,
    lines: row.lines,
    internalNotes: row.internal_notes,
  };
}
