// What the policy costs: reading a large catalog, finding a caller's grants, judging and masking a record.
import { loadCatalog, type Catalog } from '@tidegate/catalog';
import { contractShapes, parseJson, stringifyJson, type JsonObject } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';
import { Policy } from '@tidegate/policy';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { doJob, type Report } from './job';
import { quantile } from './stopwatch';

interface PolicyJob {
  streams: number;
  grantsPerStream: number;
  /** Each figure is the median of five runs of so many. */
  calls: number;
}

const person = {
  subject: 'ann',
  tenant: 'north',
  roles: ['retail-analyst'],
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  claims: {},
};
const record: JsonObject = {
  transactionId: '0a4c3c0e-5c5f-5b0a-9a4e-2f5f6f1d7a11',
  accountId: 'A13',
  customerId: '13',
  tenantId: 'north',
  segment: 'retail',
  amount: -12.5,
  currency: 'USD',
  balanceAfter: 1_204.17,
  bookedAt: '2026-11-25T10:24:11.376Z',
  customerName: 'Ann Other',
  accountNumber: 'CH5604835012345678009',
};
const text = stringifyJson(record);
const masks = 'customerName: redact, accountNumber: { keepLast: 4 }, amount: { generalise: 100 }';
const hashes = 'customerName: redact, accountNumber: { keepLast: 4 }, customerId: { hash: person }';
const where = 'row.segment == "retail"';

function catalogOf(streams: number, grantsPerStream: number, columns: string): { catalog: Catalog; seconds: number } {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-policy-'));
  const stream = (n: number) => {
    return `  s${n}: { sources: [{ topic: bank.s${n} }], key: [transactionId], tenant: tenantId, schema: transaction }\n`;
  };
  // Only the first grant of a stream is the caller's; no two conditions are alike.
  const grant = (n: number, g: number) => {
    const roles = g === 0 ? 'retail-analyst' : `role-${g}`;
    const condition = g === 0 ? where : `row.customerId == sub.id && row.amount > ${n}.0`;
    return `  - { id: g${n}-${g}, roles: [${roles}], resources: [s${n}], where: '${condition}', columns: { mask: { ${columns} } } }\n`;
  };
  const each = (count: number, of: (n: number) => string) => Array.from({ length: count }, (_, n) => of(n)).join('');
  try {
    writeFileSync(
      path.join(directory, 'tenants.yaml'),
      'tenants: { north: { name: North }, south: { name: South } }\n',
    );
    writeFileSync(path.join(directory, 'streams.yaml'), `streams:\n${each(streams, stream)}`);
    const grants = each(streams, (n) => each(grantsPerStream, (g) => grant(n, g)));
    writeFileSync(path.join(directory, 'policies.yaml'), `grants:\n${grants}`);
    const startedAt = performance.now();
    const catalog = loadCatalog(directory);
    new Policy(catalog);
    return { catalog, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the calls return, so that none of them is left out. */
let kept: unknown;

function microseconds(calls: number, work: () => unknown): number {
  const runs = Array.from({ length: 6 }, () => {
    const startedAt = performance.now();
    for (let call = 0; call < calls; call += 1) kept = work();
    return ((performance.now() - startedAt) * 1_000) / calls;
  });
  // The first one warms up.
  return quantile(runs.slice(1), 0.5);
}

function maskedBy(columns: string): () => unknown {
  const maskKey = Buffer.alloc(32, 7);
  const view = new Policy(catalogOf(1, 1, columns).catalog, { maskKey }).view(person, 's0');
  return () => view?.apply(record);
}

function byHand(row: JsonObject): JsonObject | undefined {
  if (row['tenantId'] !== person.tenant || row['segment'] !== 'retail') return undefined;
  const { accountNumber, amount } = row as { accountNumber: string; amount: number };
  const shown = { customerName: '***', accountNumber: `***${accountNumber.slice(-4)}` };
  return { ...row, ...shown, amount: Math.floor(amount / 100) * 100 };
}

function measure({ streams, grantsPerStream, calls }: PolicyJob): Report {
  const { catalog, seconds } = catalogOf(streams, grantsPerStream, masks);
  const [large, small] = [new Policy(catalog), new Policy(catalogOf(1, 1, masks).catalog)];
  const condition = compileCondition(where, { row: contractShapes.transaction });
  const sub = { id: person.subject, tenant: person.tenant, roles: person.roles, claims: {} };
  const foreign = { ...record, tenantId: 'south' };
  const view = small.view(person, 's0');
  const report = {
    loadSeconds: seconds,
    viewAmongMany: microseconds(calls / 10, () => large.view(person, 's0')),
    viewAlone: microseconds(calls / 10, () => small.view(person, 's0')),
    filter: microseconds(calls, () => condition.evaluate({ row: record, sub })),
    notMine: microseconds(calls, () => view?.apply(foreign)),
    masked: microseconds(calls, maskedBy(masks)),
    hashed: microseconds(calls, maskedBy(hashes)),
    byHand: microseconds(calls, () => byHand(record)),
    parsed: microseconds(calls / 10, () => stringifyJson(parseJson(text))),
  };
  if (kept === undefined) throw new Error('nothing was measured');
  return report;
}

void doJob((job: PolicyJob) => Promise.resolve(measure(job)));
