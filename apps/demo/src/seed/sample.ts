import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

const orderSchema = z.object({
  orderId: z.string(),
  customerId: z.string(),
  storeId: z.string(),
  placedAt: z.string(),
  total: z.number(),
  /** `[sku, quantity, unit price, discount]` */
  lines: z.array(z.tuple([z.string(), z.number(), z.number(), z.number()])),
});
const productSchema = z.object({
  sku: z.string(),
  product: z.string().nullable(),
  brand: z.string().nullable(),
  department: z.string().nullable(),
});
const householdSchema = z.object({
  customerId: z.string(),
  ageBand: z.string().nullish(),
  incomeBand: z.string().nullish(),
  householdSize: z.string().nullish(),
});

export type SampleOrder = z.output<typeof orderSchema>;
type SampleProduct = z.output<typeof productSchema>;
export type SampleHousehold = z.output<typeof householdSchema>;

export interface Sample {
  /** Oldest first. */
  orders: SampleOrder[];
  products: Map<string, SampleProduct>;
  households: SampleHousehold[];
}

/** The sample in `directory`; undefined where there is none. */
export function readSample(directory: string): Sample | undefined {
  if (!existsSync(path.join(directory, 'orders.ndjson.gz'))) return undefined;
  const products = readRows(directory, 'products', productSchema);
  return {
    orders: readRows(directory, 'orders', orderSchema),
    products: new Map(products.map((product) => [product.sku, product])),
    households: readRows(directory, 'households', householdSchema),
  };
}

function readRows<S extends z.ZodType>(directory: string, name: string, schema: S): z.output<S>[] {
  const text = gunzipSync(readFileSync(path.join(directory, `${name}.ndjson.gz`))).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));
}
