import { AppError } from '@tidegate/errors';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDoors, until, untilNoneIsLeft, type Doors } from './doors-fixture';

jest.setTimeout(30_000);

let doors: Doors;

async function open(options: Parameters<typeof openDoors>[0] = {}): Promise<Doors> {
  doors = await openDoors(options);
  return doors;
}

afterEach(() => doors.app.close());

/** What an EventSource makes of a stream (WHATWG HTML §9.2.6): CR, LF and CRLF each end a line. */
interface Reading {
  response: IncomingMessage;
  text: string;
  ended: boolean;
  events: { event: string; id: string; data: string }[];
}

function parse(text: string): Reading['events'] {
  const events: Reading['events'] = [];
  let event = { event: 'message', id: '', data: '' };
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (event.data !== '') events.push(event);
      event = { event: 'message', id: '', data: '' };
    }
    const [, field, value] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event' || field === 'id' || field === 'data') event[field] = value ?? '';
  }
  return events;
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET', agent?: Agent): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const all = { authorization: 'Bearer 13', accept: 'text/event-stream', ...headers };
    const sent = request({ port: doors.port, host: '127.0.0.1', path, headers: all, method, agent }, (response) => {
      const reading: Reading = { response, text: '', ended: false, events: [] };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        reading.text += chunk;
        reading.events = parse(reading.text);
      });
      response.on('close', () => (reading.ended = true));
      response.on('error', () => undefined);
      resolve(reading);
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function problem(path: string, headers: Record<string, string> = {}): Promise<[number | undefined, string]> {
  const reading = await get(path, headers);
  await until(() => reading.ended);
  return [reading.response.statusCode, (JSON.parse(reading.text) as { code: string }).code];
}

describe('SSE', () => {
  it('opens with headers that keep proxies from gathering, and says once when to come back', async () => {
    await open();
    const { response } = await get('/orders/stream');
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String) as string,
      'x-content-type-options': 'nosniff',
    });
  });

  it('says what the session says, each event with its cursor and data that is JSON', async () => {
    const { hub } = await open();
    const reading = await get('/orders/stream');
    const { sink } = hub.last;
    sink.rows('[{"total":1.10}]', 1, 'c1');
    sink.gone('[["7"]]', 1, 'c2');
    sink.gap('too-far', 'c3');
    sink.caughtUp('c4');
    sink.cursor('c5');
    sink.expiring(60);
    sink.unavailable('Not now.');
    sink.bye('token_expired', 77);
    await until(() => reading.ended);
    expect(reading.events).toEqual([
      { event: 'rows', id: 'c1', data: '[{"total":1.10}]' },
      { event: 'gone', id: 'c2', data: '[["7"]]' },
      { event: 'gap', id: 'c3', data: '{"reason":"too-far"}' },
      { event: 'caught-up', id: 'c4', data: '{}' },
      { event: 'cursor', id: 'c5', data: '{}' },
      { event: 'expiring', id: '', data: '{"inSeconds":60}' },
      { event: 'error', id: '', data: '{"code":"unavailable","detail":"Not now."}' },
      { event: 'bye', id: '', data: '{"code":"token_expired","retryMs":77}' },
    ]);
    expect(reading.text.match(/^retry: /gm)).toHaveLength(1);
    await until(() => hub.last.closed);
  });

  it('cannot be broken out of by what a row says', async () => {
    const { hub } = await open();
    const reading = await get('/orders/stream');
    const row = {
      text: 'a\revent: delete\rid: forged\n\ndata: x\r\n\r\n',
      u: '\u2028\u2029\u0000\u0085',
      key: 'k\ndata: x',
    };
    hub.last.sink.rows(JSON.stringify([row]), 1, 'c1');
    await until(() => reading.events.length > 0);
    await sleep(10);
    expect(reading.events).toEqual([{ event: 'rows', id: 'c1', data: JSON.stringify([row]) }]);
  });

  it('resumes from Last-Event-ID before after before from', async () => {
    const { hub } = await open();
    await get('/streams/orders?after=c1&from=earliest', { 'last-event-id': 'c2' });
    expect(hub.last.start).toEqual({ after: 'c2', from: 'earliest' });
    await get('/streams/orders?after=c1&from=earliest');
    expect(hub.last.start).toEqual({ after: 'c1', from: 'earliest' });
    await get('/streams/orders', { 'last-event-id': '' });
    expect(hub.last.start).toEqual({ after: '' });
  });

  it('says what of the stream it wants', async () => {
    const { hub } = await open();
    const wish = { mode: 'latest', where: 'row.total > 100.0', sub: 'till', delivery: 'at-most-once' };
    await get(`/orders/stream?${new URLSearchParams(wish).toString()}`);
    expect(hub.last.start).toEqual(wish);
  });

  it('comments while nothing happens', async () => {
    await open({ commentMs: 20 });
    const reading = await get('/orders/stream');
    await until(() => (reading.text.match(/^:$/gm) ?? []).length > 2);
    expect(reading.events).toEqual([]);
  });

  it.each([
    ['an unknown stream', '/streams/nothing', {}, 404, 'not_found'],
    ['no token', '/orders/stream', { authorization: '' }, 401, 'unauthenticated'],
    ['a bad cursor', '/orders/stream', { 'last-event-id': 'bad' }, 400, 'invalid_cursor'],
    ['an unknown parameter', '/orders/stream?colour=red', {}, 400, 'invalid_argument'],
    ['a parameter twice', '/orders/stream?from=latest&from=earliest', {}, 400, 'invalid_argument'],
    ['another mode', '/orders/stream?mode=oldest', {}, 400, 'mode_not_offered'],
    ['no Accept', '/orders/stream', { accept: '*/*' }, 406, 'not_acceptable'],
    ['JSON', '/streams/orders', { accept: 'application/json' }, 406, 'not_acceptable'],
    ['events not wanted', '/streams/orders', { accept: 'text/event-stream;q=0, */*' }, 406, 'not_acceptable'],
    ['no stream named', '/streams', {}, 406, 'not_acceptable'],
  ])('answers a problem before the first event for %s', async (_what, path, headers, status, code) => {
    const { hub } = await open();
    expect(await problem(path, headers)).toEqual([status, code]);
    expect(hub.open).toBe(0);
  });

  it('takes events among other types', async () => {
    await open();
    const { response } = await get('/orders/stream', { accept: 'application/json;q=0.5, text/event-stream;q=0.9' });
    expect(response.statusCode).toBe(200);
  });

  it('answers HEAD without following anything', async () => {
    const { hub } = await open();
    const reading = await get('/orders/stream', {}, 'HEAD');
    await until(() => reading.ended);
    expect([reading.response.statusCode, hub.open]).toEqual([200, 0]);
  });

  it('says when to come back while the stream cannot be read', async () => {
    const { hub } = await open();
    hub.refusal = new AppError('unavailable', 'Not now.', { retryAfterMs: 2_000 });
    const { response } = await get('/orders/stream');
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '2']);
    hub.refusal = undefined;
    expect((await get('/orders/stream')).response.statusCode).toBe(200);
  });

  it('tells the session how much its reader has not taken, and cuts one that takes nothing', async () => {
    const { hub } = await open({ closeTimeoutMs: 30 });
    const reading = await get('/orders/stream');
    reading.response.pause();
    const { sink } = hub.last;
    for (let n = 0; n < 300 && sink.bufferedBytes() < 1_000_000; n++) {
      sink.rows(`["${'x'.repeat(100_000)}"]`, 1, 'c');
      await sleep(1);
    }
    expect(sink.bufferedBytes()).toBeGreaterThan(1_000_000);
    sink.bye('too_slow', 1);
    await until(() => hub.last.closed);
  });

  it('leaves nothing behind when its client goes, however early', async () => {
    const { hub } = await open();
    hub.before = () => sleep(Math.random() * 20);
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const headers = { authorization: 'Bearer 13', accept: 'text/event-stream' };
        const sent = request({ port: doors.port, host: '127.0.0.1', path: '/orders/stream', headers, agent: false });
        sent.on('error', () => undefined);
        sent.end();
        await sleep([0, 5, 10, 30][n % 4]);
        sent.destroy();
      }),
    );
    await sleep(60);
    await untilNoneIsLeft(doors);
  });

  it('ends with the last cursor and a goodbye when the application closes, and keeps no connection', async () => {
    await open();
    const agent = new Agent({ keepAlive: true });
    const reading = await get('/orders/stream', {}, 'GET', agent);
    await doors.app.close();
    await until(() => reading.ended);
    agent.destroy();
    expect(reading.events).toEqual([
      { event: 'cursor', id: 'last', data: '{}' },
      { event: 'bye', id: '', data: '{"code":"restart","retryMs":123}' },
    ]);
  });
});
