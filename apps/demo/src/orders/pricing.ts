import type { OrderLine, PlaceOrder } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { fromCents, toCents } from '../money';

export interface Product {
  sku: string;
  product: string | null;
  brand: string | null;
  department: string | null;
  unitPrice: number;
}

/** Lines with what the shop knows of their products, at today's price. @throws AppError `unprocessable` for unknown skus. */
export function priceLines(asked: PlaceOrder['lines'], products: ReadonlyMap<string, Product>): OrderLine[] {
  const unknown = asked.flatMap(({ sku }, index) =>
    products.has(sku) ? [] : [{ pointer: `/lines/${index}/sku`, detail: `the shop has no product ${sku}` }],
  );
  if (unknown.length > 0) {
    throw new AppError('unprocessable', 'The shop does not have all of these products.', { details: unknown });
  }
  return asked.flatMap(({ sku, quantity }) => {
    const found = products.get(sku);
    if (found === undefined) return [];
    const { product, brand, department, unitPrice } = found;
    return [{ sku, product, brand, department, quantity, unitPrice, discount: 0 }];
  });
}

/** What the lines come to, each rounded to cents. */
export function totalOf(lines: readonly OrderLine[]): number {
  return fromCents(lines.reduce((sum, line) => sum + toCents(line.quantity * line.unitPrice - line.discount), 0));
}
