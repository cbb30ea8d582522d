import { topics, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bff } from './support/house';
import { SseClient } from './support/sse-client';
import { at, frame, StreamHouse } from './support/stream-house';
import { WebSocketClient } from './support/websocket-client';

interface Page {
  records: JsonObject[];
  cursor: string;
  gap: object | null;
}

// What operators, support and analysts follow on web, over all three transports, from a real broker.
describe('streams on web', () => {
  let house: StreamHouse;
  let web: Bff;
  let url: string;

  beforeAll(async () => {
    house = await StreamHouse.start();
    web = await house.startWeb('web');
    ({ url } = web);
  }, 120_000);

  afterAll(() => house.stop());

  const measure: StreamHouse['measure'] = (...args) => house.measure(...args);
  const send: StreamHouse['send'] = (...args) => house.send(...args);

  const read = async (stream: string, token: string, query: string): Promise<{ status: number; body: Page }> => {
    const response = await fetch(`${url}/streams/${stream}/records?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: (await response.json()) as Page };
  };

  const socket = (stream: string, token: string, start?: { after?: string; from?: string }): Promise<WebSocketClient> =>
    WebSocketClient.open(`${url.replace('http', 'ws')}/streams/${stream}`, token, start);

  const numbersOf = (rows: readonly JsonObject[]): unknown[] => rows.map((row) => row['v']);

  it('shows each sample of a device to its tenant’s operator over WebSocket, SSE and REST, and to no other', async () => {
    const [north, south] = await Promise.all([
      house.issuer.token('operator', 'north'),
      house.issuer.token('operator', 'south'),
    ]);
    const [webSocket, events, other] = await Promise.all([
      socket('telemetry', north),
      SseClient.open(`${url}/streams/telemetry`, north),
      socket('telemetry', south),
    ]);
    await measure('north', 'd1', [20.5, 21, 21.5]);
    await measure('south', 'd2', [1]);
    await webSocket.until(() => webSocket.rows.length === 3, 'sent three rows');
    await events.until(() => events.rows.length === 3, 'sent three rows');
    await other.until(() => other.rows.length === 1, 'sent a row');
    expect(webSocket.rows).toEqual(
      [20.5, 21, 21.5].map((v) => ({
        ...{ tenantId: 'north', deviceId: 'd1', ch: 'temperature', t: at, tReceived: at, tq: 'synced', v, u: 'Cel' },
      })),
    );
    expect(events.rows).toEqual(webSocket.rows);
    expect(other.rows).toMatchObject([{ tenantId: 'south', deviceId: 'd2', v: 1 }]);
    expect((await read('telemetry', north, 'from=earliest')).body.records).toEqual(webSocket.rows);
    webSocket.close();
    events.cut();
    other.close();
  });

  it('resumes each transport from a cursor of another, between records', async () => {
    const token = await house.issuer.token('operator', 'north');
    const start = (await read('telemetry', token, 'from=latest')).body.cursor;
    for (const first of [0, 10, 20]) await measure('north', 'd3', [first, first + 1, first + 2]);
    const page = (await read('telemetry', token, `after=${start}&limit=4&waitMs=5000`)).body;
    expect(numbersOf(page.records)).toEqual([0, 1, 2]);
    const events = await SseClient.open(`${url}/streams/telemetry`, token, page.cursor);
    const webSocket = await socket('telemetry', token, { after: page.cursor });
    for (const { rows } of [events, webSocket]) expect(numbersOf(rows)).toEqual([10, 11, 12, 20, 21, 22]);
    const after = (await read('telemetry', token, `after=${webSocket.cursor}&limit=1000`)).body;
    expect(after).toMatchObject({ records: [], gap: null });
    events.cut();
    webSocket.close();
  });

  it('leaves out a sample that breaks the contract, and a frame that claims another tenant', async () => {
    const token = await house.issuer.token('operator', 'south');
    const webSocket = await socket('telemetry', token);
    await measure('south', 'd4', [1, 'warm', 3]);
    const forged = frame('north', 'd4', [666]);
    await send(topics.telemetry, 'south/d4', {
      ...forged,
      samples: forged.samples.map((one) => ({ ...one, tenantId: 'south' })),
    });
    await measure('south', 'd4', [4]);
    await webSocket.until(() => numbersOf(webSocket.rows).includes(4), 'sent the last sample');
    expect(numbersOf(webSocket.rows)).toEqual([1, 3, 4]);
    webSocket.close();
  });

  it('masks for analysts what their grant masks, and shows their segment only', async () => {
    const token = await house.issuer.token('retail-analyst', 'north');
    const movement = (transactionId: string, over: object = {}): object => ({
      ...{ transactionId, accountId: 'A13', customerId: '13', tenantId: 'north', segment: 'retail', amount: 5 },
      ...{ currency: 'USD', balanceAfter: 7, bookedAt: at, customerName: 'Ada', accountNumber: '0000128009', ...over },
    });
    await send(topics.transactions, 'A13', movement('t1', { segment: 'business' }));
    await send(topics.transactions, 'A13', movement('t2', { tenantId: 'south' }));
    await send(topics.transactions, 'A13', movement('t3'));
    const { body } = await read('transactions', token, 'from=earliest&waitMs=5000');
    expect(body.records).toEqual([
      { ...movement('t3'), customerName: expect.stringMatching(/^\*+$/) as string, accountNumber: '***8009' },
    ]);
  });

  it.each([
    ['operator', 'orders'],
    ['support', 'telemetry'],
    ['support', 'transactions'],
    ['retail-analyst', 'customers'],
    ['auditor', 'telemetry'],
    ['operator', 'nothing'],
  ])('answers %s about the stream %s as about none', async (role, stream) => {
    const token = await house.issuer.token(role, 'north');
    const { status, body } = await read(stream, token, 'from=earliest');
    expect(status).toBe(404);
    const unknown = await read('unheard-of', token, 'from=earliest');
    const same = (one: object): object => ({ ...one, instance: '', requestId: '' });
    expect(same(body)).toEqual(same(unknown.body));
  });

  it('shows last values that match a filter over WebSocket and SSE, and says gone for those that no longer do', async () => {
    const token = await house.issuer.token('support', 'north');
    const put = (orderId: string, status: string) => send(topics.orders, orderId, orderIn(orderId, status));
    await Promise.all([put('latest-1', 'placed'), put('latest-2', 'placed'), put('latest-3', 'paid')]);
    const query = `mode=latest&where=${encodeURIComponent('row.status == "placed" && row.orderId.startsWith("latest-")')}`;
    const target = `${url}/streams/orders?${query}`;
    const [webSocket, events] = await Promise.all([
      WebSocketClient.open(target.replace('http', 'ws'), token),
      SseClient.open(target, token),
    ]);
    const ids = (rows: readonly JsonObject[]) => rows.map((row) => row['orderId']).sort();
    expect([ids(webSocket.rows), ids(events.rows)]).toEqual([
      ['latest-1', 'latest-2'],
      ['latest-1', 'latest-2'],
    ]);
    await put('latest-1', 'paid');
    await webSocket.until(() => webSocket.frames.some(({ t }) => t === 'gone'), 'told gone');
    await events.until(() => events.events.some(({ event }) => event === 'gone'), 'told gone');
    expect(webSocket.frames.find(({ t }) => t === 'gone')).toMatchObject({ s: 'orders', k: [['latest-1']] });
    expect(events.events.find(({ event }) => event === 'gone')?.data).toBe('[["latest-1"]]');
    const problem = await read('orders', token, 'where=row.nothing%20==%201.0');
    expect([problem.status, (problem.body as unknown as { code: string }).code]).toEqual([400, 'invalid_argument']);
    expect((await read('telemetry', await house.issuer.token('operator', 'north'), 'mode=latest')).status).toBe(400);
    webSocket.close();
    events.cut();
  });

  it('shows a view of a stream under its own name, and says gone for what leaves it', async () => {
    const token = await house.issuer.token('support', 'north');
    const put = (orderId: string, storeId: string, tenantId = 'north') =>
      send(topics.orders, orderId, { ...orderIn(orderId, 'placed'), storeId, tenantId });
    await put('west-1', '31401');
    await put('east-1', '1');
    await put('west-south', '31401', 'south');
    const target = `${url}/streams/orders-west`;
    const [webSocket, events, part] = await Promise.all([
      WebSocketClient.open(`${target.replace('http', 'ws')}?mode=latest`, token),
      SseClient.open(target, token),
      WebSocketClient.open(`${target.replace('http', 'ws')}?mode=latest&where=row.status%20==%20"paid"`, token),
    ]);
    expect(webSocket.rows.map((row) => row['orderId'])).toEqual(['west-1']);
    await put('west-2', '31642');
    await put('west-1', '1');
    await send(topics.orders, 'west-3', { ...orderIn('west-3', 'paid'), storeId: '31642' });
    await webSocket.untilRows('orderId', ['west-3']);
    await events.untilRows('orderId', ['west-3']);
    await part.untilRows('orderId', ['west-3']);
    expect(webSocket.frames.find(({ t }) => t === 'gone')).toMatchObject({ s: 'orders-west', k: [['west-1']] });
    expect(events.rows.map((row) => row['orderId']).slice(-2)).toEqual(['west-2', 'west-3']);
    expect(part.rows.map((row) => row['orderId'])).toEqual(['west-3']);
    const { body } = await read('orders-west', token, 'from=earliest&limit=1000');
    expect(body.records.map((row) => row['orderId'])).toEqual(['west-1', 'west-2', 'west-3']);
    expect((await read('orders', token, `after=${body.cursor}`)).status).toBe(403);
    expect((await read('orders-west', await house.issuer.token('operator', 'north'), '')).status).toBe(404);
    for (const one of [webSocket, part]) one.close();
    events.cut();
  });

  it('warns before the token ends, closes with it, and goes on where a fresh one comes', async () => {
    const short = () => house.issuer.token('operator', 'north', 'night-shift', '3s');
    const [ending, refreshed] = await Promise.all([
      socket('telemetry', await short()),
      socket('telemetry', await short()),
    ]);
    const events = await SseClient.open(`${url}/streams/telemetry`, await short());
    await Promise.all(
      [ending, refreshed].map((one) => one.until(() => one.frames.some(({ t }) => t === 'expiring'), 'warned')),
    );
    refreshed.send({ t: 'auth', token: await house.issuer.token('operator', 'south', 'night-shift') });
    refreshed.send({ t: 'auth', token: await house.issuer.token('operator', 'north', 'night-shift') });
    await ending.until(() => ending.closeCode !== undefined, 'closed');
    await events.until(() => events.ended, 'ended');
    expect(ending.closeCode).toBe(4401);
    expect(ending.frames.slice(-2).map(({ t }) => t)).toEqual(['rows', 'bye']);
    expect(events.events.map(({ event }) => event).slice(-3)).toEqual(['expiring', 'cursor', 'bye']);
    await sleep(500);
    await measure('north', 'd5', [5]);
    await refreshed.untilRows('deviceId', ['d5']);
    expect(refreshed.frames.filter(({ t }) => t === 'error')).toMatchObject([{ code: 'permission_denied' }]);
    expect(ending.rows.some((row) => row['deviceId'] === 'd5')).toBe(false);
    refreshed.close();
  });

  it('ends a stream whose caller has lost the role with a fresh token that says so', async () => {
    const subject = 'demoted';
    const webSocket = await socket('telemetry', await house.issuer.token('operator', 'north', subject));
    webSocket.send({ t: 'auth', token: await house.issuer.token('support', 'north', subject) });
    await webSocket.until(() => webSocket.closeCode !== undefined, 'closed');
    expect(webSocket.closeCode).toBe(4403);
    expect(webSocket.frames.at(-1)).toMatchObject({ t: 'bye', code: 'access_withdrawn' });
  });

  it('describes its streams, all of the catalog, without their topics', async () => {
    const text = await (await fetch(`${url}/asyncapi.json`)).text();
    const document = JSON.parse(text) as { asyncapi: string; channels: Record<string, { address: string }> };
    expect(document.asyncapi).toBe('3.0.0');
    const names = ['orders', 'orders-west', 'customers', 'accounts', 'transactions', 'telemetry', 'audit'];
    const channels = ['streams', ...names.map((name) => `streams.${name}`)];
    expect(Object.keys(document.channels)).toEqual(expect.arrayContaining(channels));
    for (const topic of Object.values(topics)) expect(text).not.toContain(topic);
  });
});

function orderIn(orderId: string, status: string): object {
  const what = { total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes: '' };
  return { orderId, customerId: '13', tenantId: 'north', status, placedAt: at, updatedAt: at, ...what };
}
