import path from 'node:path';
import { root } from '../infra/cache.ts';
import { localDirectory } from '../infra/directories.ts';
import type { Infra } from '../infra/resolve.ts';
import { apps, portOf } from './apps.ts';

/** Where everything answers, and lines to copy. */
export function doorTable(infra: Infra, environment: NodeJS.ProcessEnv): string {
  const rows = apps.flatMap((app) =>
    [...app.doors, app.ops].map((door) => [
      app.name,
      door.label,
      `${door.scheme ?? 'http'}://127.0.0.1:${portOf(door, environment)}`,
      door.variable,
    ]),
  );
  const servers = [
    ['Kafka', infra.origin.KAFKA_BROKERS, infra.env.KAFKA_BROKERS, 'KAFKA_BROKERS'],
    ['Redis', infra.origin.REDIS_URL, infra.env.REDIS_URL, 'REDIS_URL'],
    ['PostgreSQL', infra.origin.DATABASE_URL, withoutPassword(infra.env.DATABASE_URL), 'DATABASE_URL'],
  ];
  return columns([['app', 'door', 'address', 'variable'], ...rows, ...servers]);
}

function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^:@/]*):[^@/]*@/, '$1:…@');
}

function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .join('\n');
}

/** Lines that work as they are, in another terminal. */
export function linesToCopy(environment: NodeJS.ProcessEnv): string {
  const address = (variable: string) => {
    const door = apps.flatMap((app) => app.doors).find((candidate) => candidate.variable === variable);
    return door === undefined ? '' : `http://127.0.0.1:${portOf(door, environment)}`;
  };
  const [mobile, web, orders] = [address('MOBILE_PORT'), address('WEB_PORT'), address('DEMO_ORDERS_PORT')];
  const partner = address('PARTNER_PORT');
  const from = path.relative(process.cwd(), root) || '.';
  return `In another terminal, in this folder${from === '.' ? '' : ` (${root})`}:

  TOKEN=$(npm run --silent token -- customer:13)
  curl -s -H "Authorization: Bearer $TOKEN" ${mobile}/home
  curl -s -H "Authorization: Bearer $TOKEN" "${mobile}/orders?limit=2"
  npm run --silent stream -- orders customer:13
  curl -sN -H "Authorization: Bearer $TOKEN" -H "Accept: text/event-stream" ${mobile}/orders/stream
  curl -s -H "Authorization: Bearer $(npm run --silent token -- support@north)" ${web}/dashboard/13

An order, to see it arrive on the streams:

  curl -s -X POST ${orders}/orders -H "Authorization: Bearer $(npm run --silent token -- service)" \\
    -H "Content-Type: application/json" -d '{"customerId":"13","lines":[{"sku":"1082185","quantity":2}]}'

A movement that a partner asks for, and its list:

  KEY=$(npm run --silent api-key -- partner-north)
  curl -s -X POST ${partner}/v1/transactions -H "X-API-Key: $KEY" -H "Idempotency-Key: $(date +%s)" \\
    -H "Content-Type: application/json" -d '{"accountId":"account-13","amount":12.5,"currency":"USD"}'
  curl -s -H "X-API-Key: $KEY" "${partner}/v1/transactions?limit=2"

A hundred devices that measure, and what the operator of one tenant sees of them:

  npm run devices -- --count 100 --codec both --seconds 30
  curl -sN -H "Authorization: Bearer $(npm run --silent token -- operator@north)" -H "Accept: text/event-stream" ${web}/streams/telemetry

Logs: ${path.join(localDirectory, 'logs')}. Ctrl-C ends everything and keeps the state; npm run reset removes it.`;
}
