import { parseJson, stringifyJson, subprotocol, topics, type JsonObject } from '@tidegate/contracts';
import type { Producer } from '@tidegate/kafka';
import { createHmac, hkdfSync } from 'node:crypto';
import { on, once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { AuditTrail } from './support/audit-trail';
import type { Bff } from './support/house';
import { SseClient } from './support/sse-client';
import { at, StreamHouse } from './support/stream-house';
import { WebSocketClient } from './support/websocket-client';

interface Answer {
  status: number;
  text: string;
  body: { records: JsonObject[]; cursor: string; code?: string };
}

const maskKey = Buffer.alloc(32, 5);
const grants = `
  - id: counter
    roles: [counter]
    resources: [orders]
    columns:
      deny: [internalNotes]
      mask:
        customerId: { hash: person }
        placedAt: { generalise: day }
        total: { generalise: 100 }
        lines.unitPrice: { generalise: 10 }

  - id: counter-transactions
    roles: [counter]
    resources: [transactions]
    columns: { allow: [transactionId, customerId], mask: { customerId: { hash: person } } }

  - id: picker
    roles: [picker]
    resources: [orders]
    where: row.status == "placed"
    columns: { allow: [orderId, status], mask: { orderId: { hash: order } } }
`;

const line = { sku: 'a', product: null, brand: null, department: null, quantity: 1, unitPrice: 12.34, discount: 0 };
const order = (orderId: string, over: object = {}): JsonObject => ({
  ...{ orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, total: 123.45 },
  ...{ currency: 'EUR', storeId: '1', lines: [line], internalNotes: 'slow payer', ...over },
});

// What masks hide is hidden at every door, and cannot be found out through any of them.
describe('policy at the doors of web', () => {
  const catalog = mkdtempSync(path.join(tmpdir(), 'tidegate-policy-'));
  let house: StreamHouse;
  let web: Bff;
  let producer: Producer;

  beforeAll(async () => {
    cpSync(path.resolve(__dirname, '../catalog'), catalog, { recursive: true });
    const policies = path.join(catalog, 'policies.yaml');
    writeFileSync(policies, readFileSync(policies, 'utf8') + grants);
    house = await StreamHouse.start();
    producer = house.bench.producer();
    web = await house.startWeb('web', { CATALOG_DIR: catalog, MASK_KEY: maskKey.toString('base64url') });
  }, 120_000);

  afterAll(async () => {
    await house.stop();
    rmSync(catalog, { recursive: true, force: true });
  });

  const read = async (stream: string, token: string, query: object, headers: object = {}): Promise<Answer> => {
    const search = new URLSearchParams({ waitMs: '5000', ...query }).toString();
    const response = await fetch(`${web.url}/streams/${stream}/records?${search}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    const text = await response.text();
    expect(response.headers.get('etag')).toBeNull();
    expect(response.headers.get('cache-control')).toMatch(/private|no-store/);
    return { status: response.status, text, body: parseJson(text) as unknown as Answer['body'] };
  };

  /** The row of an order, once it can be read. */
  const rowOf = async (orderId: string, token: string): Promise<JsonObject | undefined> => {
    const { body } = await read('orders', token, {
      from: 'earliest',
      where: `row.orderId == "${orderId}"`,
      limit: '1',
    });
    return body.records[0];
  };

  const put = (value: JsonObject) => house.send(topics.orders, value['orderId'] as string, value);

  it('shows hashes, ranges and days, the same for a person in all streams of a tenant', async () => {
    const [north, south] = await Promise.all([
      house.issuer.token('counter', 'north'),
      house.issuer.token('counter', 'south'),
    ]);
    await Promise.all([put(order('m1')), put(order('m2', { tenantId: 'south' })), put(order('m3', { total: -0.5 }))]);
    const movement = {
      ...{ transactionId: 'm1', accountId: 'A13', customerId: '13', tenantId: 'north', segment: 'retail', amount: 5 },
      ...{ currency: 'USD', balanceAfter: 7, bookedAt: at, customerName: 'Ada', accountNumber: '0000128009' },
    };
    await house.send(topics.transactions, 'A13', movement);
    const [first, second, third, { body }] = await Promise.all([
      rowOf('m1', north),
      rowOf('m2', south),
      rowOf('m3', north),
      read('transactions', north, { from: 'earliest' }),
    ]);
    const { internalNotes: _, ...visible } = order('m1');
    const customerId = hashed('person', '13');
    const masked = { customerId, placedAt: at.slice(0, 10), total: 100, lines: [{ ...line, unitPrice: 10 }] };
    expect(first).toEqual({ ...visible, ...masked });
    expect(third).toMatchObject({ total: -100, customerId: first?.['customerId'] });
    expect(second).toMatchObject({ tenantId: 'south', customerId: expect.stringMatching(/^[\w-]{22}$/) as string });
    expect(second?.['customerId']).not.toBe(first?.['customerId']);
    expect(body.records).toEqual([{ transactionId: 'm1', customerId: first?.['customerId'] }]);
  });

  it.each([
    'row.customerId == "13"',
    'row.customerId != "no such customer"',
    'row.customerId.startsWith("1")',
    'row.customerId in ["13", "14"]',
    'has(row.customerId)',
    'row["customerId"] > "1"',
    'row.placedAt > "2026"',
    'row.total > 123.0',
    'row.orderId == "m1" && (row.total < 0.0 || true)',
    'row.lines.exists(l, l.unitPrice > 12.0)',
    'row.lines[0].unitPrice == 12.34',
    'size(row.lines) > 0',
    'row.internalNotes == "slow payer"',
  ])('refuses the filter %s at every door, for a hit as for a miss, and tells no value', async (where) => {
    const token = await house.issuer.token('counter', 'north');
    const other = await house.issuer.token('counter', 'nowhere');
    const [rest, latest, events, frame, stranger] = await Promise.all([
      read('orders', token, { where, from: 'earliest' }),
      read('orders', token, { where, mode: 'latest' }),
      fetch(`${web.url}/streams/orders?${new URLSearchParams({ where }).toString()}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      }),
      errorFrame(web.url, token, { t: 'sub', s: 'orders', where }),
      read('orders', other, { where, from: 'earliest' }),
    ]);
    expect([rest.status, latest.status, events.status]).toEqual([400, 400, 400]);
    expect([rest.body.code, frame['code']]).toEqual(['invalid_argument', 'invalid_argument']);
    for (const text of [rest.text, latest.text, await events.text(), JSON.stringify(frame)]) {
      expect(text).toContain('is not yours to filter by');
      expect(text).not.toMatch(/slow payer|123\.45|12\.34/);
    }
    // A tenant that is none sees no stream at all.
    expect(stranger.status).toBe(404);
  });

  it('lets callers filter by what is beside a mask', async () => {
    const token = await house.issuer.token('counter', 'north');
    await put(order('f1', { lines: [{ ...line, sku: 'rare' }] }));
    const where = 'row.lines.exists(l, l.sku == "rare" && l.quantity > 0.0)';
    const { body } = await read('orders', token, { from: 'earliest', where, limit: '1' });
    expect(body.records).toMatchObject([{ orderId: 'f1', lines: [{ sku: 'rare', unitPrice: 10 }] }]);
  });

  it('masks what another role’s cursor leads to, and refuses a stranger’s', async () => {
    const [support, counter, foreign] = await Promise.all([
      house.issuer.token('support', 'north', 'sam'),
      house.issuer.token('counter', 'north', 'sam'),
      house.issuer.token('counter', 'north', 'eve'),
    ]);
    const { body } = await read('orders', support, { from: 'latest', waitMs: '0' });
    await put(order('c1'));
    // A replica may have been behind others when it said where the end is.
    const next = { after: body.cursor, where: 'row.orderId == "c1"', limit: '1' };
    const [full, masked, refused] = await Promise.all([
      read('orders', support, next),
      read('orders', counter, next),
      read('orders', foreign, next),
    ]);
    expect(full.body.records).toEqual([order('c1')]);
    expect(masked.text).not.toMatch(/slow payer|123\.45|12\.34|"13"/);
    expect(masked.body.records).toMatchObject([{ orderId: 'c1', total: 100 }]);
    expect([refused.status, refused.body.code]).toEqual([403, 'foreign_cursor']);
    expect(refused.text).not.toContain('"c1"');
  });

  it('masks the keys of what has gone', async () => {
    const token = await house.issuer.token('picker', 'north');
    const phone = await WebSocketClient.open(`${web.url.replace('http', 'ws')}/streams/orders`, token, {
      mode: 'latest',
    });
    await put(order('k1'));
    await phone.untilRows('orderId', [hashed('order', 'k1')]);
    await put(order('k1', { status: 'paid' }));
    const gone = () => phone.frames.filter(({ t }) => t === 'gone') as unknown as { k: string[][] }[];
    await phone.until(() => gone().length > 0, 'told that an order has gone');
    expect(gone().flatMap(({ k }) => k)).toEqual([[hashed('order', 'k1')]]);
    expect(JSON.stringify(phone.frames)).not.toContain('"k1"');
    phone.close();
  });

  it('judges and shows the same one of duplicate keys, and hides what the contract does not know', async () => {
    const [support, south] = await Promise.all([
      house.issuer.token('support', 'north'),
      house.issuer.token('support', 'south'),
    ]);
    const text = stringifyJson(order('d1'));
    const twice = text.replace('{', '{"tenantId":"south","internalNotes":"of south",');
    const odd = stringifyJson(order('d2')).replace(
      '{',
      '{"__proto__":{"tenantId":"south"},"constructor":1,"password":"x",',
    );
    await producer.send({ topic: topics.orders, key: 'd1', value: twice });
    await producer.send({ topic: topics.orders, key: 'd2', value: odd });
    await put(order('d3', { tenantId: 'south' }));
    const page = { from: 'earliest', where: 'row.orderId.startsWith("d")', limit: '2' };
    const [north, other] = await Promise.all([
      read('orders', support, page),
      read('orders', south, { ...page, limit: '1' }),
    ]);
    expect(north.body.records).toEqual(expect.arrayContaining([order('d1'), order('d2')]));
    expect(north.text).not.toMatch(/south|password|constructor|__proto__/);
    expect(other.body.records.map(({ orderId }) => orderId)).toEqual(['d3']);
  });

  it('shows nothing to callers without a tenant of the catalog, and rows without one to nobody', async () => {
    const support = await house.issuer.token('support', 'north');
    for (const tenantId of [undefined, null, 5, '', ['north'], { north: 1 }, 'North', 'mars']) {
      const { tenantId: _, ...stripped } = order('s1', { internalNotes: 'of nobody' });
      const row = tenantId === undefined ? stripped : { ...stripped, tenantId };
      await house.send(topics.orders, 's', row);
    }
    await house.send(topics.orders, 's', order('s2'));
    const where = 'row.orderId.startsWith("s")';
    const { body } = await read('orders', support, { from: 'earliest', where, limit: '1' });
    expect(body.records).toEqual([order('s2')]);
    const tenants = [undefined, null, 5, '', ['north'], { north: 1 }, 'North', 'mars'] as unknown as string[];
    await Promise.all(
      tenants.map(async (tenant) => {
        const token = await house.issuer.token('support', tenant, 'sam');
        const rest = await read('orders', token, { from: 'earliest', where });
        const events = await fetch(`${web.url}/streams/orders?from=earliest`, {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
        });
        const socket = await upgradeStatus(`${web.url}/streams/orders?from=earliest`, token);
        // A token that is none, or one of a caller who has nothing here.
        for (const status of [rest.status, events.status, socket]) expect([401, 404]).toContain(status);
        expect(rest.text + (await events.text())).not.toMatch(/of nobody|"s\d"/);
      }),
    );
  });

  it('leaves the record of all this to auditors, of all tenants, and to nobody else', async () => {
    const [auditor, support] = await Promise.all([
      house.issuer.token('auditor', 'north'),
      house.issuer.token('support', 'south'),
    ]);
    const trail = await AuditTrail.open(house.bench.options.brokers);
    const asked = { 'x-request-id': 'who-asked-for-orders' };
    await read('orders', support, { from: 'latest', waitMs: '0' }, asked);
    const [event] = await trail.ofRequests(['who-asked-for-orders']);
    await trail.close();
    const where = `row.id == "${event?.id}"`;
    const { body } = await read('audit', auditor, { from: 'earliest', where, limit: '1' });
    expect(body.records).toMatchObject([{ id: event?.id, data: { actor: { tenant: 'south', roles: ['support'] } } }]);
    const follower = await SseClient.open(`${web.url}/streams/audit?from=earliest`, auditor);
    await follower.untilRows('id', [String(event?.id)]);
    follower.cut();
    for (const role of ['support', 'platform', 'customer', 'operator', 'partner', 'reporting']) {
      const { status } = await read('audit', await house.issuer.token(role, 'north'), { from: 'earliest' });
      expect([role, status]).toEqual([role, 404]);
    }
  });
});

/** What `{ hash: name }` shows in rows of north. */
function hashed(name: string, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', maskKey, '', 'tidegate mask north', 32));
  return createHmac('sha256', key).update(`${name}\0${text}`).digest('base64url').slice(0, 22);
}

/** How an upgrade is answered that is none: 101 when it is one. */
async function upgradeStatus(url: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url.replace('http', 'ws'), [subprotocol], { headers });
  socket.on('error', () => undefined);
  try {
    const opened = once(socket, 'open').then(() => 101);
    const refused = once(socket, 'unexpected-response').then((given) => (given[1] as IncomingMessage).statusCode);
    return await Promise.race([opened, refused]);
  } finally {
    socket.terminate();
  }
}

/** What a WebSocket without a stream of its own is told of its subscription. */
async function errorFrame(url: string, token: string, subscription: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/streams`, [subprotocol], { headers });
  // From the beginning on: frames that come together are events of one turn.
  const frames = on(socket, 'message');
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify(subscription));
    for await (const [data] of frames as AsyncIterable<[Buffer]>) {
      const frame = JSON.parse(data.toString()) as Record<string, unknown>;
      if (frame['t'] !== 'hello') return frame;
    }
    return {};
  } finally {
    socket.terminate();
  }
}
