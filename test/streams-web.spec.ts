import { stringifyJson, topics, type JsonObject } from '@tidegate/contracts';
import { freePorts, type LocalServer } from '@tidegate/infra';
import type { Producer } from '@tidegate/kafka';
import path from 'node:path';
import { startApp } from './support/app-process';
import { KafkaBench } from './support/kafka-bench';
import { LoopbackIssuer } from './support/loopback-issuer';
import { SseClient } from './support/sse-client';
import { WebSocketClient } from './support/websocket-client';

interface Page {
  records: JsonObject[];
  cursor: string;
  gap: object | null;
}

const root = path.resolve(__dirname, '..');
const at = '2026-01-01T00:00:00.000Z';

/** A frame of a device as the device door writes it: one record, a sample per number. */
const frame = (tenantId: string, deviceId: string, numbers: readonly (number | string)[]): object => ({
  tenantId,
  deviceId,
  samples: numbers.map((v) => ({ ch: 'temperature', t: at, tReceived: at, tq: 'synced', v, u: 'Cel' })),
});

// What operators, support and analysts follow on web, over all three transports, from a real broker.
describe('streams on web', () => {
  let bench: KafkaBench;
  let producer: Producer;
  let issuer: LoopbackIssuer;
  let web: LocalServer;
  let url: string;

  beforeAll(async () => {
    [bench, issuer] = await Promise.all([KafkaBench.start(), LoopbackIssuer.start()]);
    for (const topic of [topics.telemetry, topics.orders, topics.transactions]) await bench.createTopic(topic, 2);
    producer = bench.producer();
    const [port, opsPort] = (await freePorts(2)) as [number, number];
    url = `http://127.0.0.1:${port}`;
    web = await startApp({
      app: 'web',
      opsPort,
      env: {
        WEB_PORT: String(port),
        WEB_OPS_PORT: String(opsPort),
        CATALOG_DIR: path.join(root, 'catalog'),
        WEB_CATALOG_DIR: path.join(root, 'apps/web/catalog'),
        KAFKA_BROKERS: bench.options.brokers.join(','),
        REDIS_URL: 'redis://127.0.0.1:1',
        CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
        ISSUER_URL: issuer.url,
        WEB_CLIENT_SECRET: 'not asked for here',
        LOG_LEVEL: 'warn',
      },
    });
  }, 120_000);

  afterAll(async () => {
    await web.kill();
    await Promise.all([bench.stop(), issuer.stop()]);
  });

  const send = (topic: string, key: string, value: object): Promise<unknown> =>
    producer.send({ topic, key, value: stringifyJson(value) });

  const measure = (tenant: string, device: string, numbers: readonly (number | string)[]): Promise<unknown> =>
    send(topics.telemetry, `${tenant}/${device}`, frame(tenant, device, numbers));

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
    const [north, south] = await Promise.all([issuer.token('operator', 'north'), issuer.token('operator', 'south')]);
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
    const token = await issuer.token('operator', 'north');
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
    const token = await issuer.token('operator', 'south');
    const webSocket = await socket('telemetry', token);
    await measure('south', 'd4', [1, 'warm', 3]);
    const forged = frame('north', 'd4', [666]) as { samples: object[] };
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
    const token = await issuer.token('retail-analyst', 'north');
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
    const token = await issuer.token(role, 'north');
    const { status, body } = await read(stream, token, 'from=earliest');
    expect(status).toBe(404);
    const unknown = await read('unheard-of', token, 'from=earliest');
    const same = (one: object): object => ({ ...one, instance: '', requestId: '' });
    expect(same(body)).toEqual(same(unknown.body));
  });
});
