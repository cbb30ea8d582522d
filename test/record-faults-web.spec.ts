import { topics, type JsonObject } from '@tidegate/contracts';
import type { Producer } from '@tidegate/kafka';
import type { Bff } from './support/house';
import { SseClient } from './support/sse-client';
import { at, metric, readPage, StreamHouse } from './support/stream-house';
import { WebSocketClient } from './support/websocket-client';

// What a topic may hold and a client may say that nobody meant, at every door of web and on a real broker.
describe('the doors of web, faced with', () => {
  let house: StreamHouse;
  let web: Bff;
  let producer: Producer;
  let support: string;
  const closing: (() => void)[] = [];

  beforeAll(async () => {
    house = await StreamHouse.start({ partitions: 1 });
    web = await house.startWeb('web');
    producer = house.bench.producer();
    support = await house.issuer.token('support', 'north');
  }, 120_000);

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  afterAll(() => house.stop());

  const follow = async (query = ''): Promise<[WebSocketClient, SseClient]> => {
    const url = `${web.url}/streams/orders${query}`;
    const socket = await WebSocketClient.open(url.replace('http', 'ws'), support);
    const events = await SseClient.open(url, support);
    closing.push(
      () => socket.close(),
      () => events.cut(),
    );
    return [socket, events];
  };

  const put = (key: string, value: string | Buffer | null) => producer.send({ topic: topics.orders, key, value });
  const idsOf = (rows: readonly JsonObject[]): unknown[] => rows.map(({ orderId }) => orderId);

  it('records that are no rows, pass over those and count them', async () => {
    const [socket, events] = await follow();
    const { cursor = '' } = socket;
    const bad = () => metric(web, 'tidegate_stream_bad_records_total');
    const before = await bad();
    const values = Array.from({ length: 10 }, (_, n): string | Buffer => JSON.stringify(order(`r${n}`)));
    values[3] = '{"a":';
    values[5] = Buffer.from('22c32822', 'hex');
    values[6] = '';
    values[7] = 'null';
    values[8] = '[]';
    for (const [n, value] of values.entries()) await put(n === 9 ? 'abc' : `r${n}`, value);
    const good = ['r0', 'r1', 'r2', 'r4', 'r9'];
    for (const client of [socket, events]) {
      await client.untilRows('orderId', ['r9']);
      expect([idsOf(client.rows), client.gaps]).toEqual([good, []]);
    }
    expect((await bad()) - before).toBe(5);
    const { body } = await readPage(web, 'orders', support, `after=${cursor}`);
    expect([idsOf(body.records), body.gone, body.gap]).toEqual([good, [], null]);
    const rest = await readPage(web, 'orders', support, `after=${body.cursor}`);
    expect(rest.body).toMatchObject({ records: [], gone: [], gap: null });
    expect(socket.frames.some(({ t }) => t === 'gone')).toBe(false);
  });

  it('deletes, say which entity is gone, and take nothing else for a delete', async () => {
    await put('kept', JSON.stringify(order('kept')));
    await put('dropped', JSON.stringify(order('dropped')));
    const shown = await follow('?mode=latest');
    const every = await follow();
    const [{ cursor = '' }] = every;
    for (const value of ['', 'null']) await put('kept', value);
    await put('dropped', null);
    for (const [socket, events] of [shown, every]) {
      await socket.until(() => socket.frames.some(({ t }) => t === 'gone'), 'told gone');
      await events.until(() => events.events.some(({ event }) => event === 'gone'), 'told gone');
      expect(socket.frames.filter(({ t }) => t === 'gone')).toMatchObject([{ s: 'orders', k: [['dropped']] }]);
      expect(events.events.filter(({ event }) => event === 'gone')).toEqual([
        { event: 'gone', id: expect.stringMatching(/^[\w-]+$/) as string, data: '[["dropped"]]' },
      ]);
    }
    expect((await readPage(web, 'orders', support, `after=${cursor}`)).body).toMatchObject({ gone: [['dropped']] });
    for (const client of await follow('?mode=latest')) {
      expect(idsOf(client.rows)).toContain('kept');
      expect(idsOf(client.rows)).not.toContain('dropped');
    }
  });

  it('text that looks like an event, give it as text', async () => {
    const [socket, events] = await follow();
    const texts = [
      'a\revent: gone\rid: forged',
      'k\ndata: x',
      'e\r\n\r\nevent: bye\r\ndata: {}',
      '\u2028\u2029',
      '\u0000',
    ];
    for (const text of texts) await put('text', JSON.stringify(order('text', text)));
    for (const client of [socket, events]) {
      await client.until(() => client.rows.length === texts.length, 'sent all');
      expect(client.rows.map(({ internalNotes }) => internalNotes)).toEqual(texts);
    }
    expect(new Set(events.events.map(({ event }) => event))).toEqual(new Set(['caught-up', 'rows']));
  });

  it('cursors that are another’s, old, broken or none, refuse them alike before anything is read', async () => {
    const [{ cursor = '' }] = await follow();
    const [other, south, operator] = await Promise.all([
      house.issuer.token('support', 'north', 'somebody-else'),
      house.issuer.token('support', 'south', 'support-north'),
      house.issuer.token('operator', 'north', 'support-north'),
    ]);
    const flipped = cursor.slice(0, 60) + (cursor[60] === 'A' ? 'B' : 'A') + cursor.slice(61);
    const attempts: [stream: string, token: string, after: string, status: number, code: string][] = [
      ['orders', other, cursor, 403, 'foreign_cursor'],
      ['orders', south, cursor, 403, 'foreign_cursor'],
      ['telemetry', operator, cursor, 403, 'foreign_cursor'],
      ['accounts', support, cursor, 403, 'foreign_cursor'],
      ['orders', support, flipped, 400, 'invalid_cursor'],
      ['orders', support, '-1', 400, 'invalid_cursor'],
      ['orders', support, 'A'.repeat(4_096), 400, 'invalid_cursor'],
    ];
    await house.bench.createTopic(topics.accounts, 1);
    for (const [stream, token, after, status, code] of attempts) {
      const url = `${web.url}/streams/${stream}`;
      const events = await fetch(url, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'last-event-id': after },
      });
      const page = await readPage(web, stream, token, `after=${after}`);
      const socket = await WebSocketClient.refusal(`${url.replace('http', 'ws')}?after=${after}`, token);
      expect([socket.status, events.status, page.status]).toEqual([status, status, status]);
      expect([((await events.json()) as { code: string }).code, page.body.code]).toEqual([code, code]);
    }
  });
});

function order(orderId: string, internalNotes = ''): object {
  const what = { total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes };
  return { orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, ...what };
}
