import { loadCatalog } from '@tidegate/catalog';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkCatalog, checkLimits } from './check';
import { describeDifference } from './diff';

// Each run makes a bundle first, which takes seconds on a busy machine.
jest.setTimeout(60_000);

const root = path.resolve(__dirname, '../..');
const shipped = path.join(root, 'catalog');
const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-catalog-'));

/** The shipped catalog with texts replaced, in a directory of its own. */
function changed(name: string, file: string, replacements: readonly [from: string, to: string][]): string {
  const directory = path.join(folder, name);
  cpSync(shipped, directory, { recursive: true });
  const text = replacements.reduce(
    (before, [from, to]) => {
      expect(before).toContain(from);
      return before.replace(from, to);
    },
    readFileSync(path.join(directory, file), 'utf8'),
  );
  writeFileSync(path.join(directory, file), text);
  return directory;
}

function lineOf(directory: string, file: string, text: string): number {
  const lines = readFileSync(path.join(directory, file), 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/catalog.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('checkCatalog()', () => {
  it('has nothing to say of what is shipped', () => {
    expect(checkCatalog(shipped)).toEqual([]);
    for (const app of ['mobile', 'web', 'partner', 'iot']) {
      expect(checkLimits(path.join(root, `apps/${app}/catalog/limits.yaml`))).toEqual([]);
    }
  });

  it('says where grants give nothing and which streams nobody may read', () => {
    const directory = changed('vain', 'policies.yaml', [
      ['where: row.segment == "retail"', 'where: row.segment == "retial"'],
      ['roles: [operator]', 'roles: [operater]'],
    ]);
    const at = (file: string, text: string) => `${path.join(directory, file)}:${lineOf(directory, file, text)}`;
    expect(checkCatalog(directory)).toEqual([
      expect.stringMatching(`^${at('policies.yaml', 'retial')}:5 grants\\[\\d+\\]\\.where: no row can match$`),
      expect.stringMatching(
        `^${at('policies.yaml', 'operater')}:13 grants\\[\\d+\\]\\.roles\\[0\\]: nobody has the role "operater"`,
      ),
      `${at('streams.yaml', '  telemetry:')}:3 streams.telemetry: nobody may read it; give it to somebody, or remove it`,
    ]);
  });

  it('says what no process would start with', () => {
    const columns = changed('columns', 'policies.yaml', [['deny: [internalNotes]', 'deny: [internalNote]']]);
    const line = lineOf(columns, 'policies.yaml', 'internalNote]');
    expect(checkCatalog(columns)).toEqual([
      `${path.join(columns, 'policies.yaml')}:${line}:23 grants[0].columns.deny[0]: the contract order has no field "internalNote"`,
    ]);
    const devices = changed('devices', 'devices.yaml', [['schemas:', 'schema:']]);
    expect(checkCatalog(devices)[0]).toContain(`${path.join(devices, 'devices.yaml')}:`);
    const tenants = changed('tenants', 'tenants.yaml', [['tenants:', 'tenant:']]);
    expect(checkCatalog(tenants).every((text) => text.startsWith(`${path.join(tenants, 'tenants.yaml')}:`))).toBe(true);
    expect(checkCatalog(path.join(folder, 'nowhere'))).toHaveLength(3);
    expect(checkLimits(path.join(folder, 'limits.yaml'))).toHaveLength(1);
  });
});

describe('describeDifference()', () => {
  const between = (before: string, after: string) => describeDifference(loadCatalog(before), loadCatalog(after));

  it('finds nothing between a catalog and itself, nor where only comments differ', () => {
    const commented = changed('commented', 'policies.yaml', [['grants:', 'grants: # who may see what']]);
    expect(between(shipped, commented)).toEqual(['Nobody gains or loses anything.']);
  });

  it('says what decides about rows before any grant does', () => {
    const directory = changed('streams', 'streams.yaml', [['retentionDays: 400', 'retentionDays: 30']]);
    expect(between(shipped, directory)).toEqual([
      'Nobody gains or loses anything by a grant.',
      '',
      'stream orders: retentionDays was 400, and is 30',
      'stream orders-west: retentionDays was 400, and is 30',
    ]);
    const moved = changed('moved', 'streams.yaml', [['topic: shop.customers', 'topic: shop.clients']]);
    expect(between(shipped, moved).at(-1)).toBe(
      'stream customers: sources was [{"topic":"shop.customers"}], and is [{"topic":"shop.clients"}]',
    );
    const tenants = changed('tenant', 'tenants.yaml', [['south:', 'west:']]);
    expect(between(shipped, tenants).slice(2)).toEqual([
      'tenant west: new',
      'tenant south: removed, its callers see nothing',
    ]);
  });
});

describe('npm run catalog:check and catalog:diff', () => {
  it('ends with 1 for what is to be mended, and says each thing on a line', () => {
    const directory = changed('ends', 'policies.yaml', [['segment == "retail"', 'segment == "retial"']]);
    const { status, stdout, stderr } = run('check', directory);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^\S+policies\.yaml:\d+:\d+ grants\[\d+\]\.where: no row can match\n$/);
  });

  it('says in a table who gains and who loses what, and ends with 0', () => {
    const directory = changed('open', 'policies.yaml', [
      [
        'where: row.segment == "retail"\n    columns: { mask: { customerName: redact, accountNumber: { keepLast: 4 } } }',
        '',
      ],
      ['resources: [orders, customers, accounts]', 'resources: [orders, customers]'],
    ]);
    const { status, stdout } = run('diff', shipped, directory);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^role +action +resource +rows +columns\n/);
    expect(stdout).toMatch(
      /\nretail-analyst +read +transactions +gains +own tenant +hidden → visible: transactionId, /,
    );
    expect(stdout).toMatch(
      /\nretail-analyst .+ gains +own tenant, row\.segment == "retail" +redact → visible: customerName\n/,
    );
    expect(stdout).toMatch(/\nsupport +read +accounts +loses +own tenant +visible → hidden: accountId, /);
  });

  it('refuses a catalog that is not valid with its place, and another use with the right one', () => {
    const directory = changed('bad', 'streams.yaml', [['schema: order', 'schema: odrer']]);
    const { status, stderr, stdout } = run('diff', shipped, directory);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`${path.join(directory, 'streams.yaml')}:${lineOf(directory, 'streams.yaml', 'odrer')}:`);
    const misused = run('diff', shipped);
    expect(misused.status).toBe(1);
    expect(misused.stderr).toContain('npm run catalog:diff -- <old directory> <new directory>');
  });
});
