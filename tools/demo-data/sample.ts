/** A line of `transactions.parquet`. */
export interface Line {
  household_id: bigint;
  store_id: bigint;
  basket_id: bigint;
  product_id: bigint;
  quantity: bigint;
  sales_value: number;
  retail_disc: number;
  coupon_disc: number;
  coupon_match_disc: number;
  transaction_timestamp: Date;
}

export interface Product {
  product_id: bigint;
  department: string | null;
  brand: string | null;
  product_type: string | null;
}

export interface Demographics {
  household_id: bigint;
  age: string | null;
  income: string | null;
  household_size: string | null;
  household_comp: string | null;
}

/** `[sku, quantity, unit price, discount]` */
export type SampleLine = [string, number, number, number];

export interface SampleOrder {
  orderId: string;
  customerId: string;
  storeId: string;
  placedAt: string;
  total: number;
  lines: SampleLine[];
}

const firstToBuy = 100;
// People who try the demo type small numbers, and most of those households come later in the data.
const smallNumbers = 20n;

/** The first hundred households that buy something, and those with small numbers. */
export function chooseHouseholds(lines: readonly Line[]): Set<bigint> {
  const chosen = new Set<bigint>();
  for (const { household_id } of lines) {
    if (chosen.size < firstToBuy) chosen.add(household_id);
  }
  for (const { household_id } of lines) {
    if (household_id <= smallNumbers) chosen.add(household_id);
  }
  return chosen;
}

/** One order per basket, oldest first. */
export function deriveOrders(lines: readonly Line[]): SampleOrder[] {
  const baskets = new Map<bigint, Line[]>();
  for (const line of lines) {
    const basket = baskets.get(line.basket_id);
    if (basket) basket.push(line);
    else baskets.set(line.basket_id, [line]);
  }
  return [...baskets.values()]
    .flatMap((basket) => deriveOrder(basket) ?? [])
    .sort((a, b) => a.placedAt.localeCompare(b.placedAt) || Number(a.orderId) - Number(b.orderId));
}

function deriveOrder(basket: readonly Line[]): SampleOrder | undefined {
  const [first] = basket;
  if (first === undefined) return undefined;
  const paid = basket.reduce((sum, line) => sum + line.sales_value - line.coupon_disc, 0);
  return {
    orderId: String(first.basket_id),
    customerId: String(first.household_id),
    storeId: String(first.store_id),
    placedAt: first.transaction_timestamp.toISOString(),
    total: round(paid, 2),
    lines: basket.map(deriveLine),
  };
}

/** `quantity × unitPrice − discount` is what was paid, but for lines of quantity 0, whose price is that of the line. */
function deriveLine(line: Line): SampleLine {
  const quantity = Number(line.quantity);
  const listed = line.sales_value + line.retail_disc + line.coupon_match_disc;
  const discount = line.retail_disc + line.coupon_disc + line.coupon_match_disc;
  // Fuel is counted in thousandths of a gallon: cents would round its price away.
  const unitPrice = round(listed / (quantity === 0 ? 1 : quantity), 6);
  return [String(line.product_id), quantity, unitPrice, round(discount, 2)];
}

export function deriveProduct(sku: string, product: Product | undefined): object {
  return {
    sku,
    product: product?.product_type ?? null,
    brand: product?.brand ?? null,
    department: product?.department ?? null,
  };
}

/** Only about a third of the households have demographics. */
export function deriveHousehold(household: bigint, demographics: Demographics | undefined): object {
  const customerId = String(household);
  if (demographics === undefined) return { customerId };
  return {
    customerId,
    ageBand: demographics.age,
    incomeBand: demographics.income,
    householdSize: demographics.household_size,
    householdType: demographics.household_comp,
  };
}

function round(value: number, digits: number): number {
  // "+ 0" makes -0 a plain zero.
  return Number(value.toFixed(digits)) + 0;
}
