import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../infra/cache.ts';

const count = 1_000;
const bytes = 200;

/** JSON values of 200 bytes, one a line: every side sends the same. */
export function writeValuesFile(): string {
  const file = path.join(root, 'tmp/bench/values.jsonl');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, Array.from({ length: count }, (_, index) => `${valueOf(index)}\n`).join(''));
  return file;
}

function valueOf(index: number): string {
  const order = {
    orderId: `order-${String(index).padStart(8, '0')}`,
    customerId: `customer-${(index * 7919) % 2500}`,
    status: ['placed', 'paid', 'picked', 'shipped', 'delivered'][index % 5],
    total: `${((index * 104_729) % 50_000) / 100}`,
    currency: 'EUR',
    note: '',
  };
  order.note = 'x'.repeat(bytes - JSON.stringify(order).length);
  return JSON.stringify(order);
}
