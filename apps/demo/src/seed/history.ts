import type { Order, OrderLine, OrderStatus } from '@tidegate/contracts';
import { pick, seeded } from '../seeded';
import { tenantOf } from '../tenant';
import type { Sample, SampleOrder } from './sample';

const hourMs = 3_600_000;
export const weekMs = 7 * 24 * hourMs;

/** The time after an order was placed at which it takes each step: made up. */
const stepsMs: readonly [OrderStatus, number][] = [
  ['delivered', 48 * hourMs],
  ['shipped', 20 * hourMs],
  ['picked', 4 * hourMs],
  ['paid', hourMs / 4],
  ['placed', 0],
];
const notes = [
  'Customer asked for a call before delivery.',
  'Substitutions are fine.',
  'Complained about the last delivery: give a voucher.',
  'Checked by hand: card address differs.',
  'Leave at the side door.',
] as const;
/** One order in this many has an internal note. */
const ordersPerNote = 25;

/** Whole weeks that bring the last order as near to now as they can without passing it: days of the week stay. */
export function shiftWeeks(lastPlacedAt: string, now: number): number {
  return Math.floor((now - Date.parse(lastPlacedAt)) / weekMs);
}

/** The sample's orders as the shop would have them now. */
export function ordersOf({ orders, products }: Sample, weeks: number, now: number): Order[] {
  return orders.map((order) => {
    const placedAt = Date.parse(order.placedAt) + weeks * weekMs;
    const [status, afterMs] = stepsMs.find(([, ms]) => placedAt + ms <= now) ?? (['placed', 0] as const);
    return {
      orderId: order.orderId,
      customerId: order.customerId,
      tenantId: tenantOf(order.customerId),
      status,
      placedAt: new Date(placedAt).toISOString(),
      updatedAt: new Date(placedAt + afterMs).toISOString(),
      total: order.total,
      currency: 'USD',
      storeId: order.storeId,
      lines: order.lines.map((line) => lineOf(line, products)),
      internalNotes: noteOf(order.orderId),
    };
  });
}

/** What each product cost the last time that somebody bought it. */
export function pricesOf(orders: readonly SampleOrder[]): Map<string, number> {
  const prices = new Map<string, number>();
  for (const { lines } of orders) {
    for (const [sku, quantity, unitPrice] of lines) {
      if ((quantity > 0 && unitPrice > 0) || !prices.has(sku)) prices.set(sku, unitPrice);
    }
  }
  return prices;
}

function lineOf(
  [sku, quantity, unitPrice, discount]: SampleOrder['lines'][number],
  products: Sample['products'],
): OrderLine {
  const { product = null, brand = null, department = null } = products.get(sku) ?? {};
  return { sku, product, brand, department, quantity, unitPrice, discount };
}

function noteOf(orderId: string): string | null {
  const random = seeded(`note ${orderId}`);
  return random() * ordersPerNote < 1 ? pick(random, notes) : null;
}
