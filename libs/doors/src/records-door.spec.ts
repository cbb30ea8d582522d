import { parseJson, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDoors, until, type Doors } from './doors-fixture';

jest.setTimeout(30_000);

let doors: Doors;

beforeEach(async () => {
  doors = await openDoors();
});
afterEach(() => doors.app.close());

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${doors.url}${path}`, { headers: { authorization: 'Bearer 13' }, ...init });
}

describe('records', () => {
  it('are a page with a cursor, every digit kept, and never stored', async () => {
    const records = [parseJson('{"total":1.10,"big":9007199254740993}') as JsonObject];
    doors.hub.page = { records, gone: [['7']], cursor: 'c2', gap: { reason: 'retention' }, caughtUp: false };
    const response = await get('/orders/stream/records?after=c1&limit=10&waitMs=500');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.text()).toBe(
      '{"records":[{"total":1.10,"big":9007199254740993}],"gone":[["7"]],"cursor":"c2","gap":{"reason":"retention"}}',
    );
    expect(doors.hub.reads).toMatchObject([{ after: 'c1', limit: 10, waitMs: 500 }]);
  });

  it('are 100 at once and waited for not at all unless asked otherwise', async () => {
    expect(await (await get('/streams/orders/records')).json()).toEqual({
      records: [],
      gone: [],
      cursor: 'c0',
      gap: null,
    });
    expect(doors.hub.reads).toMatchObject([{ limit: 100, waitMs: 0 }]);
  });

  it.each(['limit=1', 'limit=1000', 'waitMs=0', 'waitMs=30000'])('take %s', async (query) => {
    expect((await get(`/streams/orders/records?${query}`)).status).toBe(200);
  });

  it.each([
    ['limit=0', '/limit'],
    ['limit=1001', '/limit'],
    ['limit=', '/limit'],
    ['limit=1e2', '/limit'],
    ['limit=-1', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['waitMs=30001', '/waitMs'],
    ['waitMs=1.5', '/waitMs'],
    ['sub=till', '/sub'],
    ['delivery=at-most-once', '/delivery'],
    ['colour=red', '/colour'],
  ])('refuse %s by name', async (query, pointer) => {
    const response = await get(`/streams/orders/records?${query}`);
    const body = (await response.json()) as { code: string; errors: { pointer: string }[] };
    expect([response.status, body.code]).toEqual([400, 'invalid_argument']);
    expect(body.errors.map((one) => one.pointer)).toEqual([pointer]);
    expect(doors.hub.reads).toEqual([]);
  });

  it('are filtered and of a mode where asked', async () => {
    await get(`/streams/orders/records?mode=latest&where=${encodeURIComponent('row.total > 1.0')}`);
    expect(doors.hub.reads).toMatchObject([{ mode: 'latest', where: 'row.total > 1.0' }]);
    expect((await get('/streams/orders/records?mode=oldest')).status).toBe(400);
  });

  it('of an unknown stream and without a token are refused', async () => {
    expect((await get('/streams/nothing/records')).status).toBe(404);
    expect((await get('/streams/orders/records', { headers: {} })).status).toBe(401);
  });

  it('stop being waited for when the client leaves', async () => {
    doors.hub.before = () => sleep(200);
    const leaving = new AbortController();
    const request = get('/streams/orders/records?waitMs=30000', {
      headers: { authorization: 'Bearer 13' },
      signal: leaving.signal,
    }).catch(() => undefined);
    await until(() => doors.hub.reads.length === 1);
    expect(doors.hub.reads[0]?.signal?.aborted).toBe(false);
    leaving.abort();
    await request;
    await until(() => doors.hub.reads[0]?.signal?.aborted === true);
  });
});

describe('acknowledgements', () => {
  const post = (path: string, body: object, headers: Record<string, string> = { authorization: 'Bearer 13' }) =>
    fetch(`${doors.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it('move a durable position of a stream by name, and of one with a path of its own', async () => {
    const answers = await Promise.all(
      ['/streams/accounts/acks', '/orders/stream/acks'].map((path) => post(path, { sub: 'till', cursor: 'c7' })),
    );
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    expect(doors.hub.acks.sort()).toEqual([
      ['13', 'accounts', 'till', 'c7'],
      ['13', 'orders', 'till', 'c7'],
    ]);
  });

  it.each([
    ['without a token', { sub: 'till', cursor: 'c7' }, {}, 401, 'unauthenticated'],
    ['without a name', { cursor: 'c7' }, undefined, 400, 'invalid_argument'],
    ['without a cursor', { sub: 'till' }, undefined, 400, 'invalid_argument'],
    ['with more fields', { sub: 'till', cursor: 'c7', size: 1 }, undefined, 400, 'invalid_argument'],
    ['with a bad cursor', { sub: 'till', cursor: 'bad' }, undefined, 400, 'invalid_cursor'],
  ])('%s are refused', async (_what, body, headers, status, code) => {
    const response = await post('/streams/orders/acks', body, headers);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    expect(doors.hub.acks).toEqual([]);
  });
});
