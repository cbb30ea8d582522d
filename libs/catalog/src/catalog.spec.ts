import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMap, parse, parseDocument, stringify, type Document } from 'yaml';
import { loadCatalog, parseCatalog, type Catalog, type CatalogTexts } from './catalog';
import { CatalogError } from './catalog-error';

const shipped = join(__dirname, '../../../catalog');
const read = (name: string) => readFileSync(join(shipped, name), 'utf8');
const texts = {
  'tenants.yaml': read('tenants.yaml'),
  'streams.yaml': read('streams.yaml'),
  'policies.yaml': read('policies.yaml'),
};

const stream = (change = '') => `streams:
  orders:
    sources: [{ topic: shop.orders }]
    key: [orderId]
    tenant: tenantId
    schema: order
${change}`;
const grants = (text: string) => ({ 'streams.yaml': stream(), 'policies.yaml': `grants:\n${text}` });
const grant = (rest: string) => grants(`  - { id: a, roles: [b], resources: [orders], ${rest} }`);

const problemsOf = (change: Partial<CatalogTexts>): readonly string[] => {
  try {
    parseCatalog({ ...texts, ...change });
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    expect(error.code).toBe('invalid_catalog');
    expect(error.message.split('\n').length).toBeGreaterThanOrEqual(error.problems.length);
    return error.message.split('\n');
  }
  return [];
};

describe('loadCatalog()', () => {
  it('reads the shipped catalog', () => {
    const catalog = loadCatalog(shipped);
    expect([...catalog.tenants.keys()]).toEqual(['north', 'south']);
    const streams = ['orders', 'customers', 'accounts', 'transactions', 'telemetry', 'audit', 'orders-west'];
    expect([...catalog.streams.keys()]).toEqual(streams);
    expect(catalog.streams.get('orders')).toEqual({
      name: 'orders',
      sources: [{ topic: 'shop.orders' }],
      key: ['orderId'],
      subject: 'customerId',
      tenant: 'tenantId',
      schema: 'order',
      latest: { maxKeys: 200_000, maxBytes: 268_435_456 },
      resume: { maxScanned: 200_000, maxMs: 2_000 },
      retentionDays: 400,
    });
    expect(catalog.streams.get('accounts')?.resume).toEqual({ maxScanned: 200_000, maxMs: 2_000 });
    expect(catalog.streams.get('telemetry')).toMatchObject({ rows: 'samples', key: ['deviceId', 'ch'] });
    const { view, ...west } = catalog.streams.get('orders-west') ?? {};
    expect(west).toEqual({ ...catalog.streams.get('orders'), name: 'orders-west' });
    expect([view?.from, view?.where.source]).toEqual(['orders', 'row.storeId in ["31401", "31642"]']);
    const [ownOrders] = catalog.grants;
    expect(ownOrders).toMatchObject({ id: 'own-orders', actions: ['read'], tenants: 'own' });
    expect(ownOrders?.where?.source).toBe('row.customerId == sub.id');
    expect(ownOrders?.columns).toEqual({ deny: ['internalNotes'], mask: {} });
  });

  it('reports files that cannot be read like any other problem', () => {
    const directory = mkdtempSync(join(tmpdir(), 'catalog-'));
    try {
      writeFileSync(join(directory, 'tenants.yaml'), texts['tenants.yaml']);
      expect(() => loadCatalog(directory)).toThrow(
        'streams.yaml:1:1 (file): cannot be read (ENOENT); every catalog has this file\n' +
          'policies.yaml:1:1 (file): cannot be read (ENOENT)',
      );
      expect(() => loadCatalog(join(directory, 'tenants.yaml'))).toThrow(CatalogError);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('has a version that follows the contents', () => {
    const version = (change: Partial<CatalogTexts> = {}) => parseCatalog({ ...texts, ...change }).version;
    expect(version()).toBe(loadCatalog(shipped).version);
    expect(version({ 'policies.yaml': `${texts['policies.yaml']}\n` })).not.toBe(version());
  });
});

describe('parseCatalog()', () => {
  it('reports the problems of all three files together, each with its place', () => {
    const problems = problemsOf({
      'tenants.yaml': 'tenants:\n  north: { name: 7 }\n  South: { name: x }\n',
      'streams.yaml': stream('    lates: { maxKeys: 10 }\n'),
      'policies.yaml': 'grants:\n  - id: a\n    roles: []\n    resources: [orders, nothing]\n',
    });
    expect(problems).toEqual([
      'tenants.yaml:2:12 tenants.north.name: Invalid input: expected string, received number',
      'tenants.yaml:3:3 tenants.South: use lower-case letters, digits and "-", at most 63',
      'streams.yaml:7:5 streams.orders.lates: unknown key; the keys here are sources, format, rows, key, subject, tenant, schema, resume, latest, retentionDays',
      'policies.yaml:3:5 grants[0].roles: Too small: expected array to have >=1 items',
    ]);
  });

  it.each([['where: row.total > 1.0'], ['sealed: [total]']])('refuses %p, which is not offered yet', (key) => {
    expect(problemsOf({ 'streams.yaml': stream(`    ${key}\n`) })[0]).toMatch(/^streams\.yaml:7:5 .* unknown key; /);
  });

  it.each([
    ['sources: [{ topic: a, pattern: "shop.*" }]', 'streams.x.sources[0]: names one of topic and pattern'],
    ['sources: [{}]', 'streams.x.sources[0]: names one of topic and pattern'],
    ['sources: [{ pattern: shop.orders }]', 'streams.x.sources[0].pattern: is no pattern of topics'],
    ['sources: [{ pattern: "__*" }]', 'streams.x.sources[0].pattern: is no pattern of topics'],
    ['sources: [{ pattern: "{tenant}.*" }]', 'streams.x.sources[0].pattern: is no pattern of topics'],
    ['sources: [{ pattern: "a*" }, { pattern: "a*" }]', 'streams.x.sources[1]: "a*" is named twice'],
    ['sources: []', 'streams.x.sources: Too small'],
    ['sources: [{ topic: "a b" }]', 'streams.x.sources[0].topic: is no topic name'],
    ['sources: [{ topic: ".." }]', 'is no topic name'],
    ['sources: [{ topic: a }, { topic: a }]', 'streams.x.sources[1]: "a" is named twice'],
    ['sources: [{ topic: "{tenant}.a" }, { topic: north.a }]', 'streams.x.sources[1]: "north.a" is named twice'],
    ['sources: [{ topic: "{tenants}.a" }]', 'streams.x.sources[0].topic: is no topic name'],
    [
      'schema: odrer',
      'streams.x.schema: is no contract; there are order, customer, account, transaction, telemetry, audit',
    ],
    ['key: [orderID]', 'streams.x.key[0]: the contract order has no field "orderID"; it has orderId'],
    ['key: [lines]', '"lines" cannot be used here; it must be a string or number that is always there'],
    ['key: [orderId, orderId]', 'streams.x.key[1]: "orderId" is named twice'],
    ['key: []', 'streams.x.key: Too small'],
    ['subject: total', 'streams.x.subject: "total" cannot be used here'],
    ['subject: internalNotes', 'always there'],
    ['tenant: tenantID', 'streams.x.tenant: the contract order has no field'],
    ['resume: { maxMs: 0 }', 'streams.x.resume.maxMs: Too small'],
    ['resume: { maxMs: 60001 }', 'streams.x.resume.maxMs: Too big'],
    ['resume: { maxBytes: 1 }', 'unknown key; the keys here are maxScanned, maxMs'],
    ['rows: lines', 'streams.x.rows: "lines" is a field of the contract order'],
    ['rows: [lines]', 'streams.x.rows: Invalid input'],
    ['rows: ""', 'streams.x.rows: Too small'],
    ['latest: { maxKeys: 0 }', 'streams.x.latest.maxKeys: Too small'],
    ['latest: { maxRows: 1 }', 'unknown key; the keys here are maxKeys, maxBytes'],
    ['retentionDays: 0', 'streams.x.retentionDays: Too small'],
    ['retentionDays: 1.5', 'streams.x.retentionDays: Invalid input'],
  ])('refuses a stream with %s', (change, message) => {
    const x = { sources: [{ topic: 'a' }], key: ['orderId'], tenant: 'tenantId', schema: 'order' };
    const broken = stringify({ streams: { x: { ...x, ...(parse(change) as object) } } });
    const problems = problemsOf({ 'streams.yaml': broken, 'policies.yaml': 'grants: []' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it.each([
    ['where: row.custmerId == sub.id', 'grants[0].where: condition at 1:5: No such key: custmerId'],
    ['where: row.customerId', 'grants[0].where: condition at 1:1: is a string'],
    ['where: "row.customerId.matches(sub.id)"', '"matches" is not offered'],
    ['where: ""', 'grants[0].where: Too small'],
    ['where: true', 'grants[0].where: Invalid input: expected string'],
    ['columns: { deny: [internalNote] }', 'columns.deny[0]: the contract order has no field "internalNote"'],
    ['columns: { deny: [lines.price] }', 'columns.deny[0]: the contract order has no field "lines.price"'],
    ['columns: { deny: [constructor] }', 'has no field "constructor"'],
    ['columns: { allow: [] }', 'columns.allow: Too small'],
    ['columns: { allow: ["*"] }', 'columns.allow[0]: the contract order has no field "*"'],
    ['columns: { mask: { storeID: redact } }', 'columns.mask.storeID: the contract order has no field'],
    ['columns: { mask: { storeId: hash } }', 'columns.mask.storeId: give redact, { keepFirst: n } or { keepLast: n }'],
    ['columns: { mask: { storeId: { keepLast: 0 } } }', 'storeId.keepLast: Too small'],
    ['columns: { mask: { storeId: { keepLast: 65 } } }', 'storeId.keepLast: Too big'],
    ['columns: { mask: { storeId: { hash: "" } } }', 'storeId.hash: use lower-case letters'],
    ['columns: { mask: { total: { hash: x } } }', '"total" is no text, so it cannot be hashed; use redact'],
    ['columns: { mask: { placedAt: { generalise: week } } }', 'mask.placedAt: give redact, { keepFirst: n }'],
    ['columns: { mask: { storeId: { generalise: day } } }', '"storeId" is no time, so it has no day; use redact'],
    ['columns: { mask: { total: { generalise: day } } }', '"total" is no time'],
    ['columns: { mask: { placedAt: { generalise: 10 } } }', '"placedAt" is no number, so it is in no range'],
    ['columns: { mask: { total: { generalise: 0 } } }', 'mask.total.generalise: must be from 0.000001'],
    ['columns: { mask: { total: { generalise: 0.0000001 } } }', 'mask.total.generalise: must be from 0.000001'],
    ['columns: { mask: { total: { generalise: 1.0000001 } } }', 'mask.total.generalise: must be from 0.000001'],
    ['columns: { mask: { total: { keepLast: 1 } } }', '"total" is no text, so no part of it can be kept; use redact'],
    ['columns: { mask: { lines: { keepLast: 1 } } }', '"lines" is no text'],
    ['columns: { deny: [lines], mask: { lines.sku: redact } }', 'columns.mask.lines.sku: is denied too'],
    ['columns: { allow: [total], mask: { storeId: redact } }', 'not among the allowed columns'],
    ['columns: { hide: [total] }', 'columns.hide: unknown key; the keys here are allow, deny, mask'],
    ['actions: [delete]', 'grants[0].actions[0]: Invalid option'],
    ['actions: []', 'grants[0].actions: Too small'],
    ['tenants: none', 'grants[0].tenants: Invalid option'],
    ['rolez: [x]', 'grants[0].rolez: unknown key'],
  ])('refuses a grant with %s', (change, message) => {
    const problems = problemsOf(grant(change));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]).toMatch(/^policies\.yaml:2:\d+ /);
  });

  it.each([
    ['{ from: orders }', 'streams.x.where: is missing'],
    ['{ from: orders, where: row.total > 1.0, key: [orderId] }', 'streams.x.key: unknown key; the keys here are from'],
    ['{ from: orders, where: row.totl > 1.0 }', 'streams.x.where: condition at 1:5: No such key: totl'],
    ['{ from: orders, where: row.total > "1" }', 'streams.x.where: condition at 1:1: '],
    ['{ from: orders, where: row.storeId }', 'streams.x.where: condition at 1:1: is a string'],
    ['{ from: orders, where: row.storeId == sub.id }', 'streams.x.where: sub is not available here'],
    ['{ from: order, where: row.total > 1.0 }', 'streams.x.from: there is no stream "order"; there are orders, x, y'],
    ['{ from: x, where: row.total > 1.0 }', 'streams.x.from: "x" is a view itself'],
    ['{ from: y, where: row.total > 1.0 }', 'streams.x.from: "y" is a view itself, and views are one level deep'],
    ['{ from: 7, where: row.total > 1.0 }', 'streams.x.from: Invalid input'],
  ])('refuses a view with %s', (view, message) => {
    const text = `${stream()}  x: { y: 1 }\n  y: { from: orders, where: row.total > 2.0 }\n`;
    const problems = problemsOf({ 'streams.yaml': text.replace('{ y: 1 }', view), 'policies.yaml': 'grants: []' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]).toMatch(/^streams\.yaml:7:\d+ /);
  });

  it('lets a view stand before its stream, says nothing of one over a broken stream, and lets nobody write to it', () => {
    const view = 'streams:\n  x: { from: orders, where: row.total > 1.0 }\n';
    const before = stream().replace('streams:\n', view);
    const granted = (actions: string) => `grants:\n  - { id: a, roles: [b], resources: [x], actions: ${actions} }`;
    expect(problemsOf({ 'streams.yaml': before, 'policies.yaml': granted('[read]') })).toEqual([]);
    expect(problemsOf({ 'streams.yaml': before, 'policies.yaml': granted('[read, write, manage]') })).toEqual([
      'policies.yaml:2:58 grants[0].actions[1]: "x" is a view, which can only be read; grant this on its stream',
      'policies.yaml:2:65 grants[0].actions[2]: "x" is a view, which can only be read; grant this on its stream',
    ]);
    const broken = before.replace('[orderId]', '[]');
    expect(problemsOf({ 'streams.yaml': broken, 'policies.yaml': granted('[read]') })).toEqual([
      expect.stringContaining('streams.orders.key: Too small'),
    ]);
  });

  it('accepts every kind of rule', () => {
    const rules =
      'actions: [read, write, manage], tenants: all, where: "size(row.lines) > 1", ' +
      'columns: { allow: [lines, storeId, total], deny: [lines.discount], mask: { lines.sku: { keepFirst: 64 }, total: redact } }';
    expect(problemsOf(grant(rules))).toEqual([]);
    const masks =
      'columns: { mask: { customerId: { hash: customer }, placedAt: { generalise: hour }, ' +
      'total: { generalise: 100 }, lines.unitPrice: { generalise: 0.05 } } }';
    expect(problemsOf(grant(masks))).toEqual([]);
  });

  it('refuses resources that are no streams, and ids that are taken', () => {
    const two = '  - { id: a, roles: [b], resources: [orders] }\n  - { id: a, roles: [b], resources: [order] }';
    expect(problemsOf(grants(two))).toEqual([
      'policies.yaml:3:7 grants[1].id: "a" names another grant already',
      'policies.yaml:3:38 grants[1].resources[0]: there is no stream "order"; there are orders',
    ]);
  });

  it('does not complain of grants on a stream that is broken itself', () => {
    const problems = problemsOf({
      'streams.yaml': stream('    sealed: [total]\n'),
      ...{ 'policies.yaml': grant('')['policies.yaml'] },
    });
    expect(problems).toHaveLength(1);
    expect(problemsOf({ 'streams.yaml': 'streams: [' }).every((line) => line.startsWith('streams.yaml:'))).toBe(true);
  });

  it('checks a grant against the contract of each of its resources', () => {
    const on = (rest: string) => ({
      'policies.yaml': `grants:\n  - { id: a, roles: [b], resources: [orders, accounts], ${rest} }`,
    });
    expect(problemsOf(on('where: row.total > 1.0'))[0]).toContain('No such key: total');
    expect(problemsOf(on('columns: { deny: [balance] }'))[0]).toContain('the contract order has no field "balance"');
    const catalog = parseCatalog({ ...texts, ...on('where: row.customerId == sub.id') });
    const sub = { id: '13', roles: [], claims: {} };
    expect(catalog.grants[0]?.where?.evaluate({ row: { customerId: '13', balance: 1 }, sub })).toBe('match');
    expect(catalog.grants[0]?.where?.evaluate({ row: { customerId: '12', lines: [] }, sub })).toBe('no-match');
  });

  it.each([
    ['tenants: {}', 'tenants.yaml:1:1 tenants: is empty'],
    ['', 'tenants.yaml:1:1 (file): Invalid input: expected object'],
    ['tenants: {', 'tenants.yaml:1:11 (yaml): '],
    ['tenants:\n  a: { name: x }\n  a: { name: y }', 'tenants.yaml:3:3 (yaml): Map keys must be unique'],
    ['tenants:\n  __proto__: { name: x }', 'tenants.yaml:2:3 __proto__: unknown key'],
    ['tenants: { a: &x { name: x }, b: *x }', 'tenants.yaml:1:34 (yaml): aliases are not offered'],
    ['tenants: { a: { name: &x [*x] } }', '(yaml): aliases are not offered'],
    ['tenants: { a: { name: !secret x } }', 'tenants.yaml:1:23 (yaml): Unresolved tag'],
    ['tenants: { a: { name: x } }\n---\ntenants: { b: { name: x } }', 'multiple documents'],
    ['tenants: { ? [a] : { name: x } }', 'all keys must be strings'],
    ['['.repeat(100_000), 'tenants.yaml:'],
  ])('refuses the file %p', (text, message) => {
    const problems = problemsOf({ 'tenants.yaml': text });
    expect(problems[0]).toContain(message);
  });

  it('either loads or says file, line and field, however the shipped catalog is broken', () => {
    const loads = (broken: CatalogTexts): Catalog | undefined => {
      try {
        return parseCatalog(broken);
      } catch (error) {
        if (!(error instanceof CatalogError)) throw error;
        expect(error.problems.length).toBeGreaterThan(0);
        for (const { file, line, column, field, message } of error.problems) {
          expect(Object.keys(texts)).toContain(file);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(field.length * message.length).toBeGreaterThan(0);
        }
        return undefined;
      }
    };
    const fileName = fc.constantFrom(...(Object.keys(texts) as (keyof typeof texts)[]));
    const at = fc.double({ min: 0, max: 1, noNaN: true });
    const noise = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom('\n', ':', '- ', '[', '{', '"', '&a ', '*a', '!x ', '? ', '\t', '#', '---\n', 'null', '<<: '),
    );
    fc.assert(
      fc.property(fileName, at, fc.nat(30), noise, (name, position, cut, insert) => {
        const start = Math.floor(position * texts[name].length);
        const text = texts[name].slice(0, start) + insert + texts[name].slice(start + cut);
        loads({ ...texts, [name]: text });
      }),
      { numRuns: 100 },
    );
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('__proto__', 'orders', [], {}, -1, 1e30));
    fc.assert(
      fc.property(fileName, fc.nat(), value, fc.boolean(), (name, index, replacement, asKey) => {
        const content: unknown = parse(texts[name]);
        const places = placesOf(content);
        const place = places[index % places.length];
        if (place === undefined) return;
        if (asKey && !Array.isArray(place.parent)) place.parent[JSON.stringify(replacement)] = place.parent[place.key];
        else place.parent[place.key] = replacement;
        loads({ ...texts, [name]: stringify(content) });
      }),
      { numRuns: 100 },
    );
  });
});

describe('the shipped catalog, with one value broken', () => {
  /** Every value, and what it stands on: `{ wrong: [1] }` is no value that any field takes. */
  const cases = (Object.keys(texts) as (keyof typeof texts)[]).flatMap((file) => {
    return pathsOf(parse(texts[file])).map((at) => [file, at.join('.'), at] as const);
  });

  const problemsWith = (file: keyof typeof texts, change: (root: Document) => void) => {
    const document = parseDocument(texts[file]);
    change(document);
    const text = document.toString({ lineWidth: 0 });
    try {
      parseCatalog({ ...texts, [file]: text });
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      return { text, problems: error.problems };
    }
    return { text, problems: [] };
  };

  it('is refused with its file, line and field, whichever it is', () => {
    expect(cases.length).toBeGreaterThan(100);
    for (const [file, name, at] of cases) {
      const { text, problems } = problemsWith(file, (document) => document.setIn(at, { wrong: [1] }));
      const about = problems.filter((problem) => problem.file === file && insideOf(at, problem.field));
      expect([file, name, about.length > 0]).toEqual([file, name, true]);
      const lines = text.split('\n');
      const key = String(at.findLast((part) => typeof part === 'string'));
      for (const { line } of about) expect([key, 'wrong'].some((word) => lines[line - 1]?.includes(word))).toBe(true);
    }
  });

  it('is refused for a key that means nothing, wherever it is', () => {
    const objects = cases.filter(([file, , at]) => isMap(parseDocument(texts[file]).getIn(at)));
    const open = ['tenants', 'streams'];
    for (const [file, name, at] of objects.filter(([, name]) => !open.includes(name))) {
      const { text, problems } = problemsWith(file, (document) => document.setIn([...at, 'surprise'], 1));
      const about = problems.filter((problem) => problem.field.includes('surprise'));
      expect([file, name, about.length > 0]).toEqual([file, name, true]);
      for (const { line } of about) expect(text.split('\n')[line - 1]).toContain('surprise');
    }
  });
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...(value as unknown[]).entries()] : Object.entries(value);
  return entries.flatMap(([key, item]) => [[...at, key], ...pathsOf(item, [...at, key])]);
}

/** Whether a problem's field is the place, in it, or what it is part of: a list that is none, a name that is no name. */
function insideOf(at: Path, field: string): boolean {
  const names = field.split(/[.[\]]+/).filter((name) => name !== '');
  return names.every((name, depth) => depth >= at.length || String(at[depth]) === name);
}

interface Place {
  parent: Record<string | number, unknown>;
  key: string | number;
}

function placesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const parent = value as Record<string | number, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesOf(parent[key])]);
}
