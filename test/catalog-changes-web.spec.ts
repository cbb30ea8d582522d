import { topics, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogCopy } from './support/catalog-copy';
import type { Bff } from './support/house';
import { until } from './support/kafka-bench';
import { SseClient } from './support/sse-client';
import { at, metric, StreamHouse } from './support/stream-house';
import { WebSocketClient } from './support/websocket-client';

// The catalog of a running app changes, while readers follow a device that never stops to measure.
describe('a catalog that changes under open streams', () => {
  const catalog = new CatalogCopy();
  let house: StreamHouse;
  let web: Bff;
  let operator: string;
  let support: string;
  let webSocket: WebSocketClient;
  let events: SseClient;
  let load: Promise<void>;
  let measuring = true;

  const place = (stream: string) => `${web.url}/streams/${stream}`;
  const open = (stream: string, token: string, start = {}) =>
    WebSocketClient.open(place(stream).replace('http', 'ws'), token, start);
  const statusOf = async (stream: string, token: string) =>
    (await fetch(`${place(stream)}/records`, { headers: { authorization: `Bearer ${token}` } })).status;

  beforeAll(async () => {
    house = await StreamHouse.start();
    await house.bench.createTopic('shop.orders-moved', 2);
    web = await house.startWeb('web', { CATALOG_DIR: catalog.directory });
    [operator, support] = await Promise.all([
      house.issuer.token('operator', 'north'),
      house.issuer.token('support', 'north'),
    ]);
    [webSocket, events] = await Promise.all([
      open('telemetry', operator),
      SseClient.open(place('telemetry'), operator),
    ]);
    load = (async () => {
      for (let n = 0; measuring; n++) {
        await house.measure('north', 'd1', [n]);
        await sleep(5);
      }
    })();
  }, 120_000);

  afterAll(async () => {
    measuring = false;
    await load;
    await house?.stop();
    catalog.remove();
  });

  /** Every number once and in order, as far as they have come, and some that were measured just now. */
  async function goOn(): Promise<void> {
    for (const client of [webSocket, events]) {
      const { rows } = client;
      const seen = rows.length;
      await client.until(() => rows.length > seen + 5, 'sent more rows');
      const numbers = rows.map((row) => Number(row['v']));
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    }
    expect([webSocket.closeCode, events.ended]).toEqual([undefined, false]);
  }

  it('ends the streams of those who lose their grant, with a reason, and no others', async () => {
    const [socket, follower, west] = await Promise.all([
      open('orders', support),
      SseClient.open(place('orders'), support),
      open('orders-west', support),
    ]);
    const askedMs = Date.now();
    const waiting = fetch(`${place('orders')}/records?waitMs=30000`, {
      headers: { authorization: `Bearer ${support}` },
    });
    catalog.replace('policies.yaml', ['resources: [orders, customers, accounts]', 'resources: [customers, accounts]']);
    await socket.until(() => socket.closeCode !== undefined, 'closed');
    await follower.until(() => follower.ended, 'ended');
    expect([socket.closeCode, socket.frames.at(-1)]).toMatchObject([4403, { t: 'bye', code: 'access_withdrawn' }]);
    expect(follower.events.at(-1)).toMatchObject({
      event: 'bye',
      data: expect.stringContaining('access_withdrawn') as string,
    });
    // Empty, or refused if it came too late.
    expect(await (await waiting).text()).not.toContain('orderId');
    expect(Date.now() - askedMs).toBeLessThan(25_000);
    expect(await statusOf('orders', support)).toBe(404);
    await house.send(topics.orders, 'west-1', { ...orderOf('west-1'), storeId: '31401' });
    await west.untilRows('orderId', ['west-1']);
    expect([west.closeCode, west.frames.some(({ t }) => t === 'gap')]).toEqual([undefined, false]);
    west.close();
    await goOn();
  });

  it('masks what is masked now from one row on', async () => {
    catalog.replace('policies.yaml', [
      'resources: [telemetry]',
      'resources: [telemetry]\n    columns: { mask: { u: redact } }',
    ]);
    for (const client of [webSocket, events]) {
      await client.untilRows('u', ['***']);
      const units = client.rows.map((row) => row['u']);
      expect(new Set(units)).toEqual(new Set(['Cel', '***']));
      expect(units.lastIndexOf('Cel')).toBe(units.indexOf('***') - 1);
    }
    await goOn();
  });

  it('changes nothing while a file is broken, says so in a metric and readiness, and goes on once it is mended', async () => {
    const valid = () => metric(web, 'tidegate_catalog_valid', 'catalog="catalog"');
    const changes = () => metric(web, 'tidegate_catalog_changes_total', 'catalog="catalog"');
    const readiness = async () =>
      (await (await fetch(`${web.opsUrl}/readyz`)).json()) as { checks: { catalog: object } };
    expect([await valid(), await changes()]).toEqual([1, 2]);
    catalog.replace('policies.yaml', ['resources: [telemetry]', 'resources: [telemetrie]']);
    await until('the metric says so', async () => (await valid()) === 0);
    const reason = /^policies\.yaml:\d+:17 grants\[\d+\]\.resources\[0\]: there is no stream "telemetrie"; there are /;
    expect((await readiness()).checks.catalog).toMatchObject({
      ...{ ok: false, required: false, reason: expect.stringMatching(reason) as string },
    });
    await goOn();
    catalog.replace('policies.yaml', ['resources: [telemetrie]', 'resources: [telemetry]']);
    await until('the metric says so', async () => (await valid()) === 1);
    expect((await readiness()).checks.catalog).toEqual({ ok: true, required: false });
    await goOn();
  });

  it('serves streams that were not there before, and describes them', async () => {
    expect(await statusOf('readings', operator)).toBe(404);
    catalog.edit('streams.yaml', (text) => `${text}\n  readings:\n    from: telemetry\n    where: row.v < 1000000.0\n`);
    catalog.replace('policies.yaml', ['resources: [telemetry]', 'resources: [telemetry, readings]']);
    await until('it is served', async () => (await statusOf('readings', operator)) === 200);
    const readings = await open('readings', operator, { from: 'earliest' });
    expect(readings.rows.slice(0, 2)).toMatchObject([{ v: 0 }, { v: 1 }]);
    readings.close();
    const text = await (await fetch(`${web.url}/asyncapi.json`)).text();
    expect(Object.keys((JSON.parse(text) as { channels: object }).channels)).toContain('streams.readings');
    await goOn();
  });

  it('asks those of a stream with another source to come back, and has its rows for them, after a gap', async () => {
    await house.send('shop.orders-moved', 'moved-1', { ...orderOf('moved-1'), storeId: '31401' });
    const [socket, follower] = await Promise.all([
      open('orders-west', support),
      SseClient.open(place('orders-west'), support),
    ]);
    catalog.replace('streams.yaml', ['{ topic: shop.orders }', '{ topic: shop.orders-moved }']);
    await socket.until(() => socket.closeCode !== undefined, 'closed');
    await follower.until(() => follower.ended, 'ended');
    expect([socket.closeCode, socket.frames.at(-1)]).toMatchObject([1012, { t: 'bye', code: 'restart' }]);
    expect(follower.events.at(-1)).toMatchObject({ event: 'bye', data: expect.stringContaining('restart') as string });
    const again = await open('orders-west', support, { after: socket.cursor });
    const later = await SseClient.open(place('orders-west'), support, follower.lastEventId);
    for (const { rows } of [again, later]) expect(rows.map((row) => row['orderId'])).toEqual(['moved-1']);
    expect(again.frames.filter(({ t }) => t === 'gap')).toMatchObject([{ reason: 'recreated' }]);
    expect(later.events.filter(({ event }) => event === 'gap')).toMatchObject([{ data: '{"reason":"recreated"}' }]);
    again.close();
    later.cut();
    await goOn();
  });
});

function orderOf(orderId: string): JsonObject {
  const what = { total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes: '' };
  return { orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, ...what };
}
