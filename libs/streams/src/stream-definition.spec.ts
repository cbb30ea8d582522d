import { loadCatalog, type Stream } from '@tidegate/catalog';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { definitionOf } from './stream-definition';

const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-definition-'));
const streamsFile = path.join(directory, 'streams.yaml');
const streams = readFileSync(path.resolve(__dirname, '../../../catalog/streams.yaml'), 'utf8');

beforeAll(() => cpSync(path.resolve(__dirname, '../../../catalog'), directory, { recursive: true }));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function load(name: string, text = streams): Stream {
  writeFileSync(streamsFile, text);
  const stream = loadCatalog(directory).streams.get(name);
  if (stream === undefined) throw new Error(`no ${name}`);
  return stream;
}

describe('definitionOf()', () => {
  it('is the same however often a stream is read, and differs by what is said of it', () => {
    const orders = definitionOf(load('orders'));
    expect(definitionOf(load('orders', `${streams}# more\n`))).toBe(orders);
    const changes: [string, string][] = [
      ['topic: shop.orders', 'topic: shop.others'],
      ['[{ topic: shop.orders }]', '[{ topic: shop.orders }, { topic: shop.more }]'],
      ['retentionDays: 400', 'retentionDays: 401'],
      ['{ topic: shop.orders }', '{ topic: shop.orders, format: cbor }'],
      ['subject: customerId', 'format: cbor'],
    ];
    const changed = changes.map(([from, to]) => definitionOf(load('orders', streams.replace(from, to))));
    expect(new Set([orders, ...changed]).size).toBe(changes.length + 1);
  });

  it('differs by the files of a message', () => {
    const proto = (fields: string) =>
      writeFileSync(path.join(directory, 'account.proto'), `syntax = "proto3"; message Account { ${fields} }`);
    const names = ['accountId', 'customerId', 'tenantId', 'segment', 'currency', 'updatedAt'];
    const fields = `${names.map((name, n) => `string ${name} = ${n + 1};`).join(' ')} double balance = 7;`;
    const text = streams.replace(
      '{ topic: bank.accounts }',
      '{ topic: bank.accounts, format: { protobuf: { file: account.proto, message: Account } } }',
    );
    proto(fields);
    const before = definitionOf(load('accounts', text));
    expect(definitionOf(load('accounts', `${text}\n`))).toBe(before);
    proto(fields.replace('balance = 7', 'balance = 8'));
    expect(definitionOf(load('accounts', text))).not.toBe(before);
  });
});
