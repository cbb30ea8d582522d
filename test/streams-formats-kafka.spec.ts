import { stringifyJson, topics, type JsonObject } from '@tidegate/contracts';
import type { Producer } from '@tidegate/kafka';
import { Type } from 'avsc';
import { Encoder, Tag } from 'cbor-x';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, Root } from 'protobufjs';
import type { Bff } from './support/house';
import { readAll, until, valueOf } from './support/kafka-bench';
import { LoopbackSchemas } from './support/loopback-schemas';
import { at, StreamHouse } from './support/stream-house';
import { WebSocketClient } from './support/websocket-client';

const names = ['customerId', 'tenantId', 'status', 'placedAt', 'updatedAt', 'currency', 'storeId'];
const fields = {
  ...{ customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at },
  ...{ currency: 'EUR', storeId: '1' },
};
const proto = `syntax = "proto3"; package shop;
message Order {
  string order_id = 1; int64 total = 2; repeated string lines = 3;
  ${names.map((name, n) => `string ${name.replace(/[A-Z]/, (c) => `_${c.toLowerCase()}`)} = ${n + 4};`).join(' ')}
}`;
const money = { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 2 };
const avroOrder = {
  type: 'record',
  name: 'Order',
  fields: [
    ...['orderId', ...names].map((name) => ({ name, type: 'string' })),
    { name: 'total', type: money },
    { name: 'lines', type: { type: 'array', items: 'string' } },
  ],
};
const streams = ['json', 'cbor', 'protobuf', 'avro'] as const;
type Name = (typeof streams)[number];

const message = parse(proto, new Root()).root.lookupType('shop.Order');
const avroType = Type.forSchema(avroOrder as never);
const cbor = new Encoder({ useRecords: false });

/** 90071992547409.93 in each format, but for Protobuf, which counts cents; written by their own encoders. */
const written: Record<Name, (orderId: string, schemaId?: number) => Buffer> = {
  json: (orderId) =>
    Buffer.from(stringifyJson({ ...fields, orderId, lines: [], total: 1 }).replace(':1}', ':90071992547409.930}')),
  cbor: (orderId) => cbor.encode({ ...fields, orderId, lines: [], total: new Tag([-2, 9007199254740993n], 4) }),
  protobuf: (orderId) =>
    Buffer.from(message.encode(message.fromObject({ ...fields, orderId, total: '9007199254740993' })).finish()),
  avro: (orderId, schemaId = 1) => {
    const header = Buffer.from([0, 0, 0, 0, schemaId]);
    const total = Buffer.from('20000000000001', 'hex');
    return Buffer.concat([header, avroType.toBuffer({ ...fields, orderId, lines: [], total })]);
  },
};
const totals = {
  json: '90071992547409.930',
  cbor: '90071992547409.93',
  protobuf: '9007199254740993',
  avro: '90071992547409.93',
};

// Records of each format, written by the encoders that others use, on two replicas of web.
describe('formats of streams over Kafka', () => {
  let house: StreamHouse;
  let registry: LoopbackSchemas;
  let producer: Producer;
  let webs: [Bff, Bff];
  let token: string;
  const directory = mkdtempSync(path.join(tmpdir(), 'catalog-'));
  const clients: WebSocketClient[] = [];

  beforeAll(async () => {
    writeCatalog(directory);
    [house, registry] = await Promise.all([StreamHouse.start(), LoopbackSchemas.start()]);
    registry.add(1, avroOrder);
    producer = house.bench.producer();
    await Promise.all(streams.map((name) => house.bench.createTopic(`formats.${name}`, 2)));
    const own = { CATALOG_DIR: directory, SCHEMA_REGISTRY_URL: registry.url };
    webs = await Promise.all([house.startWeb('web-a', own), house.startWeb('web-b', own)]);
    token = await house.issuer.token('support', 'north');
  }, 120_000);

  afterEach(() => {
    for (const client of clients.splice(0)) client.cut();
  });

  afterAll(async () => {
    await Promise.all([house.stop(), registry.stop()]);
    rmSync(directory, { recursive: true });
  });

  const follow = async ({ url }: Bff, name: Name): Promise<WebSocketClient> => {
    const client = await WebSocketClient.open(`${url.replace('http', 'ws')}/streams/${name}`, token);
    clients.push(client);
    return client;
  };
  const send = (name: Name, value: Buffer, partition = 0) =>
    producer.send({ topic: `formats.${name}`, key: null, value, partition });
  const read = async ({ url }: Bff, name: Name): Promise<string> => {
    const response = await fetch(`${url}/streams/${name}/records?from=earliest&limit=1000`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return response.text();
  };
  const idsOf = (rows: readonly JsonObject[]) => rows.map((row) => row['orderId']);

  it('are the same rows with every digit, as they come and read back, on either replica', async () => {
    const following = await Promise.all(streams.map((name) => follow(webs[0], name)));
    await Promise.all(streams.map((name) => send(name, written[name](`${name}-1`))));
    for (const [index, name] of streams.entries()) {
      const client = following[index];
      await client?.until(() => client.rows.length === 1, `sent the row of ${name}`);
      expect(stringifyJson(client?.rows[0] ?? {})).toContain(`"total":${totals[name]}`);
      expect(client?.rows[0]).toMatchObject({ ...fields, orderId: `${name}-1`, lines: [] });
      const page = await read(webs[1], name);
      expect(page).toContain(`"total":${totals[name]}`);
      expect((JSON.parse(page) as { records: object[] }).records).toHaveLength(1);
    }
  });

  it('wait for a schema while the registry is away, and lose and double nothing; known schemas go on', async () => {
    registry.add(2, avroOrder);
    const client = await follow(webs[0], 'avro');
    await registry.away(async () => {
      await send('avro', written.avro('new', 2));
      const waits = async () => {
        const { checks } = (await (await fetch(`${webs[0].opsUrl}/readyz`)).json()) as {
          checks: Record<string, { reason?: string }>;
        };
        return checks['streams']?.reason?.includes('formats.avro: schema registry') === true;
      };
      await until('health says that records wait', waits);
      await send('avro', written.avro('behind'));
      await send('avro', written.avro('beside'), 1);
      await client.until(() => client.rows.length > 0, 'sent the row of the other partition');
      expect(idsOf(client.rows)).toEqual(['beside']);
    });
    await client.until(() => client.rows.length === 3, 'sent all rows');
    expect(idsOf(client.rows)).toEqual(['beside', 'new', 'behind']);
    expect(client.gaps).toEqual([]);
    await until('the other replica reads all', async () =>
      /"new".*"behind"|"behind".*"new"/s.test(await read(webs[1], 'avro')),
    );
  });

  it('tell of each broken record once per replica that met it live, under one key, and never what it says', async () => {
    await Promise.all(streams.flatMap((name) => [webs[0], webs[0], webs[1]].map((web) => follow(web, name))));
    const broken: [Name, Buffer][] = [
      ['json', Buffer.from('{"secret"')],
      ['json', Buffer.from(written.json('secret').toString().replace('"placed"', '"secret"'))],
      ['cbor', Buffer.from('a1666563726574', 'hex')],
      ['protobuf', Buffer.from('0aff736563726574', 'hex')],
      ['avro', written.avro('secret', 99)],
    ];
    const places: string[] = [];
    for (const [name, value] of broken) {
      const { topic, partition, offset } = await send(name, value);
      places.push(`${topic}/${partition}/${offset}`);
    }
    const reader = house.bench.reader();
    // The replicas make the topic, each on its own time.
    const letters = () => readAll(reader, topics.deadLetters).catch(() => []);
    await until('both replicas have told of all', async () => (await letters()).length >= 10);
    await Promise.all(streams.flatMap((name) => webs.map((web) => read(web, name))));
    await send('json', Buffer.from('last'));
    await until('both replicas have told of the last', async () => (await letters()).length >= 12);
    const told = await letters();
    const keys = told.map(({ key }) => String(key));
    expect(keys.slice(0, 10).sort()).toEqual([...places, ...places].sort());
    expect(keys).toHaveLength(12);
    const bodies = told.map((letter) => JSON.parse(valueOf(letter)) as JsonObject);
    for (const [index, { topic, partition, offset, ...rest }] of bodies.entries()) {
      expect(`${topic as string}/${partition as number}/${offset as string}`).toBe(keys[index]);
      expect(rest).toEqual({
        schema: 'order',
        stream: (topic as string).slice(8),
        reason: expect.any(String) as unknown,
        at: expect.any(String) as unknown,
      });
    }
    expect(told.map(valueOf).join()).not.toContain('secret');
    expect(new Set(bodies.map(({ reason }) => reason))).toContain('Avro: the schema 99 is not known to the registry');
    const { resources } = await house.bench.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topics.deadLetters, configNames: ['cleanup.policy'] }],
    });
    expect(resources[0]?.configEntries[0]?.configValue).toContain('compact');
  });
});

function writeCatalog(directory: string): void {
  copyFileSync(path.resolve(__dirname, '../catalog/tenants.yaml'), path.join(directory, 'tenants.yaml'));
  const formats = {
    json: 'json',
    cbor: 'cbor',
    protobuf: '{ protobuf: { file: orders.proto, message: shop.Order } }',
    avro: 'avro',
  };
  const lines = streams.map(
    (name) =>
      `  ${name}: { sources: [{ topic: formats.${name} }], format: ${formats[name]}, key: [orderId], tenant: tenantId, schema: order }`,
  );
  writeFileSync(path.join(directory, 'streams.yaml'), `streams:\n${lines.join('\n')}\n`);
  const grant = `{ id: all, roles: [support], resources: [${streams.join(', ')}] }`;
  writeFileSync(path.join(directory, 'policies.yaml'), `grants:\n  - ${grant}\n`);
  writeFileSync(path.join(directory, 'orders.proto'), proto);
}
