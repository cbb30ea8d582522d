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
function shiftWeeks(lastPlacedAt: string, now: number): number {
  return Math.floor((now - Date.parse(lastPlacedAt)) / weekMs);
}

/** Turns the sample's orders into the shop's, as they would be now. */
export class History {
  readonly weeks: number;

  constructor(
    private readonly sample: Sample,
    private readonly now: number,
  ) {
    this.weeks = shiftWeeks(sample.orders.at(-1)?.placedAt ?? new Date(now).toISOString(), now);
  }

  placedAt(order: SampleOrder): string {
    return new Date(Date.parse(order.placedAt) + this.weeks * weekMs).toISOString();
  }

  order(sampled: SampleOrder): Order {
    const placedAt = this.placedAt(sampled);
    const placedMs = Date.parse(placedAt);
    const [status, afterMs] = stepsMs.find(([, ms]) => placedMs + ms <= this.now) ?? (['placed', 0] as const);
    return {
      orderId: sampled.orderId,
      customerId: sampled.customerId,
      tenantId: tenantOf(sampled.customerId),
      status,
      placedAt,
      updatedAt: new Date(placedMs + afterMs).toISOString(),
      total: sampled.total,
      currency: 'USD',
      storeId: sampled.storeId,
      lines: sampled.lines.map((line) => this.line(line)),
      internalNotes: noteOf(sampled.orderId),
    };
  }

  private line([sku, quantity, unitPrice, discount]: SampleOrder['lines'][number]): OrderLine {
    const { product = null, brand = null, department = null } = this.sample.products.get(sku) ?? {};
    return { sku, product, brand, department, quantity, unitPrice, discount };
  }
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

function noteOf(orderId: string): string | null {
  const random = seeded(`note ${orderId}`);
  return random() * ordersPerNote < 1 ? pick(random, notes) : null;
}
