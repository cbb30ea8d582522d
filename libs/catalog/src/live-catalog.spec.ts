import { Registry, type Logger } from '@tidegate/telemetry';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogFiles, type Catalog } from './catalog';
import { CatalogError } from './catalog-error';
import { LiveCatalog } from './live-catalog';

const shipped = join(__dirname, '../../../catalog');
const names = ['tenants.yaml', 'streams.yaml', 'policies.yaml'];
const texts = Object.fromEntries(names.map((name) => [name, readFileSync(join(shipped, name), 'utf8')]));
const tenants = texts['tenants.yaml'] ?? '';
const west = `${tenants}  west: { name: West Stores }\n`;
const east = `${tenants}  east: { name: East Stores }\n`;
const broken = `${tenants}  West: { name: 7 }\n`;
const lookMs = 20;

let directory: string;
const closing: (() => void)[] = [];

function write(change: Record<string, string> = {}, into = directory): void {
  mkdirSync(into, { recursive: true });
  for (const [name, text] of Object.entries({ ...texts, ...change })) writeFileSync(join(into, name), text);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'catalog-'));
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(directory, { recursive: true, force: true });
});

function live(from = directory) {
  const catalog = new LiveCatalog(catalogFiles(from));
  const [registry, heard, errors] = [new Registry(), [] as Catalog[], [] as object[]];
  catalog.onChange((now) => void heard.push(now));
  const logger = { info: () => undefined, error: (line: object) => void errors.push(line) } as unknown as Logger;
  catalog.watch({ logger, registry, lookMs });
  closing.push(() => catalog.close());
  const tenantIds = () => [...catalog.current.tenants.keys()];
  const metric = async (name: string, labels = '{catalog="catalog"}') => {
    const line = (await registry.metrics()).split('\n').find((one) => one.startsWith(`${name}${labels} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  };
  return { catalog, heard, errors, tenantIds, metric };
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 1_000 && !holds(); n++) await sleep(10);
  expect(holds()).toBe(true);
}

describe(LiveCatalog.name, () => {
  it('is what the files say at first, and stops whoever opens broken ones', () => {
    write({ 'tenants.yaml': broken });
    expect(() => new LiveCatalog(catalogFiles(directory))).toThrow(CatalogError);
  });

  it('follows a file that is written over, or replaced as editors do', async () => {
    write();
    const { catalog, heard, tenantIds, metric } = live();
    const before = catalog.current;
    expect([tenantIds(), await metric('tidegate_catalog_valid')]).toEqual([['north', 'south'], 1]);
    write({ 'tenants.yaml': west });
    await until(() => tenantIds().includes('west'));
    writeFileSync(join(directory, 'tenants.yaml~'), east);
    renameSync(join(directory, 'tenants.yaml~'), join(directory, 'tenants.yaml'));
    await until(() => tenantIds().includes('east'));
    expect(heard).toHaveLength(2);
    expect(heard[1]).toBe(catalog.current);
    expect(catalog.current.version).not.toBe(before.version);
    expect(await metric('tidegate_catalog_changes_total', '{catalog="catalog",outcome="taken"}')).toBe(2);
    expect((await metric('tidegate_catalog_changed_timestamp_seconds')) ?? 0).toBeGreaterThan(Date.now() / 1000 - 60);
  });

  it('follows the .proto files that it names', async () => {
    const proto = (field: string) => `syntax = "proto3"; message Order { string order_id = 1; string ${field} = 2; }`;
    const format = 'format: { protobuf: { file: a.proto, message: Order } }';
    const orders = `streams:\n  orders: { sources: [{ topic: a }], key: [orderId], tenant: tenantId, schema: order, ${format} }\n`;
    write({ 'streams.yaml': orders, 'policies.yaml': 'grants: []', 'a.proto': proto('tenant_id') });
    const { catalog, heard, errors } = live();
    writeFileSync(join(directory, 'a.proto'), proto('customer_id'));
    await until(() => errors.length > 0);
    writeFileSync(join(directory, 'a.proto'), `${proto('tenant_id')}\n`);
    const { version } = catalog.current;
    await until(() => heard.length > 0);
    expect(catalog.current.version).not.toBe(version);
  });

  it('follows the link that a mounted ConfigMap swaps, old files gone with it', async () => {
    const mount = join(directory, 'mount');
    mkdirSync(mount);
    const publish = (revision: string, change?: Record<string, string>) => {
      write(change, join(mount, revision));
      symlinkSync(revision, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    publish('..1');
    for (const name of names) symlinkSync(join('..data', name), join(mount, name));
    const { tenantIds, heard } = live(mount);
    publish('..2', { 'tenants.yaml': west });
    rmSync(join(mount, '..1'), { recursive: true });
    await until(() => tenantIds().includes('west'));
    publish('..3', { 'tenants.yaml': east });
    rmSync(join(mount, '..2'), { recursive: true });
    await until(() => tenantIds().includes('east'));
    expect(heard).toHaveLength(2);
  });

  it.each([
    ['is broken', broken, 'tenants.yaml:6:11 tenants.West.name: Invalid input: expected string, received number'],
    ['is no YAML', 'tenants: {', 'tenants.yaml:1:11 (yaml): '],
    ['is empty', '', 'tenants.yaml:1:1 (file): Invalid input'],
    ['is gone', undefined, 'tenants.yaml:1:1 (file): cannot be read (ENOENT)'],
  ])('keeps the last good one while a file %s, says why, and goes on once it is mended', async (_, text, problem) => {
    write();
    const { catalog, heard, errors, tenantIds, metric } = live();
    const before = catalog.current;
    if (text === undefined) rmSync(join(directory, 'tenants.yaml'));
    else write({ 'tenants.yaml': text });
    await until(() => errors.length > 0);
    expect(JSON.stringify(errors)).toContain(problem.replaceAll('"', '\\"'));
    expect(await metric('tidegate_catalog_valid')).toBe(0);
    expect(await metric('tidegate_catalog_changes_total', '{catalog="catalog",outcome="refused"}')).toBe(1);
    expect(catalog.health.required).toBe(false);
    expect(catalog.health.check()).toMatchObject({ ok: false, reason: expect.stringContaining(problem) as string });
    await sleep(lookMs * 5);
    expect([errors.length, heard.length, catalog.current === before]).toEqual([1, 0, true]);
    write({ 'tenants.yaml': west });
    await until(() => tenantIds().includes('west'));
    expect(await metric('tidegate_catalog_valid')).toBe(1);
    expect(catalog.health.check()).toEqual({ ok: true });
  });

  it('is good again, and nobody is told of a change, when a broken file is put back', async () => {
    write();
    const { catalog, heard, errors } = live();
    const before = catalog.current;
    write({ 'streams.yaml': 'streams: 7' });
    await until(() => errors.length > 0);
    write();
    await until(() => (catalog.health.check() as { ok: boolean }).ok);
    expect([heard.length, catalog.current === before]).toEqual([0, true]);
  });

  it('does not take a file that is still being written, though a part of it is valid', async () => {
    write();
    const { catalog, heard, errors, tenantIds } = live();
    catalog.close();
    for (const text of [
      `${tenants}  a: { name: A }\n`,
      'tenants: {',
      `${tenants}  a: { name: A }\n  b: { name: B }\n`,
    ]) {
      write({ 'tenants.yaml': text });
      await catalog.look();
    }
    expect([heard, errors, tenantIds()]).toEqual([[], [], ['north', 'south']]);
    await catalog.look();
    expect([heard.length, tenantIds()]).toEqual([1, ['north', 'south', 'a', 'b']]);
  });

  it('lets a listener that fails stop no other', async () => {
    write();
    const { catalog, errors, heard, tenantIds } = live();
    catalog.onChange(() => {
      throw new Error('a mistake of ours');
    });
    catalog.onChange((now) => void heard.push(now));
    write({ 'tenants.yaml': west });
    await until(() => heard.length === 2);
    expect([tenantIds().includes('west'), errors.length]).toEqual([true, 1]);
  });

  it('takes nothing any more once it is closed', async () => {
    write();
    const { catalog, tenantIds } = live();
    catalog.close();
    write({ 'tenants.yaml': west });
    await sleep(lookMs * 5);
    expect(tenantIds()).toEqual(['north', 'south']);
  });
});
