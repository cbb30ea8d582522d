import { serverFrames, type ServerFrame } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { RequestLimits, type CountedRequest } from '@tidegate/ratelimit';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { authenticator, openDoors, Phone, refusedUpgrade, until, untilNoneIsLeft, type Doors } from './doors-fixture';
import { WebSocketDoor } from './websocket-door';

jest.setTimeout(30_000);

let doors: Doors;

async function open(options: Parameters<typeof openDoors>[0] = {}): Promise<Doors> {
  doors = await openDoors(options);
  return doors;
}

afterEach(() => doors.app.close());

describe('an upgrade', () => {
  it('opens a bound path and follows its stream by the query', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/orders/stream?after=c1&from=earliest&mode=events');
    expect(phone.socket.protocol).toBe('tidegate.v1');
    expect(phone.frames[0]).toEqual({ t: 'hello', session: expect.any(String) as string, heartbeatSeconds: 25 });
    expect(hub.last).toMatchObject({ stream: 'orders', start: { after: 'c1', from: 'earliest' } });
    expect(hub.last.principal.subject).toBe('13');
  });

  it('opens any stream by name, and none at /streams', async () => {
    const { hub } = await open();
    await Phone.open(doors, '/streams/accounts');
    expect(hub.last.stream).toBe('accounts');
    await Phone.open(doors, '/streams');
    expect(hub.taken).toHaveLength(1);
  });

  it.each([
    ['no token', '/orders/stream', { authorization: undefined }, 401, 'unauthenticated'],
    ['a bad token', '/orders/stream', { authorization: 'Bearer nobody' }, 401, 'unauthenticated'],
    ['another scheme', '/orders/stream', { authorization: 'Basic 13' }, 401, 'unauthenticated'],
    ['a token in the query', '/orders/stream?token=13', { authorization: undefined }, 401, 'unauthenticated'],
    ['a foreign origin', '/orders/stream', { origin: 'https://evil.test' }, 403, 'permission_denied'],
    ['an opaque origin', '/orders/stream', { origin: 'null' }, 403, 'permission_denied'],
    ['an unknown stream', '/streams/nothing', {}, 404, 'not_found'],
    ['an unknown path', '/nothing', {}, 404, 'not_found'],
    ['a path below a stream', '/streams/orders/records', {}, 404, 'not_found'],
    ['a broken escape', '/streams/%E0%A4%A', {}, 404, 'not_found'],
    ['no subprotocol', '/orders/stream', { 'sec-websocket-protocol': undefined }, 400, 'invalid_argument'],
    ['another subprotocol', '/orders/stream', { 'sec-websocket-protocol': 'graphql-ws' }, 400, 'invalid_argument'],
    ['a bad cursor', '/orders/stream?after=bad', {}, 400, 'invalid_cursor'],
    ['another mode', '/orders/stream?mode=oldest', {}, 400, 'mode_not_offered'],
    ['another delivery', '/orders/stream?delivery=twice', {}, 400, 'invalid_argument'],
    ['an unknown parameter', '/orders/stream?colour=red', {}, 400, 'invalid_argument'],
    ['a parameter twice', '/orders/stream?from=latest&from=earliest', {}, 400, 'invalid_argument'],
    ['a query at /streams', '/streams?after=c1', {}, 400, 'invalid_argument'],
    ['another version', '/orders/stream', { 'sec-websocket-version': '8' }, 400, 'malformed'],
    ['a bad key', '/orders/stream', { 'sec-websocket-key': 'short' }, 400, 'malformed'],
  ])('is refused as a problem for %s', async (_what, path, headers, status, code) => {
    await open({ allowedOrigins: ['https://app.test'] });
    const refusal = await refusedUpgrade(doors, path, headers);
    expect(refusal).toMatchObject({ status, body: { code, status } });
    expect(refusal.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      connection: 'close',
      'x-request-id': expect.any(String) as string,
    });
    expect(JSON.stringify(refusal.body)).not.toContain('evil');
    await untilNoneIsLeft(doors);
  });

  it('names the parameters that it does not know', async () => {
    await open();
    const { body } = await refusedUpgrade(doors, '/orders/stream?colour=red&size=9');
    expect(body.errors?.map(({ pointer }) => pointer)).toEqual(['/colour', '/size']);
  });

  it.each(['token', 'access_token', 'ticket', 'api-key'])('says that %s does not belong in a URL', async (name) => {
    await open();
    const bare = await refusedUpgrade(doors, `/orders/stream?${name}=13`, { authorization: undefined });
    expect(bare).toMatchObject({ status: 401, body: { detail: expect.stringContaining('in a URL') as string } });
    const { status, body } = await refusedUpgrade(doors, `/orders/stream?${name}=13`);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: `/${name}`, detail: expect.stringContaining('in a URL') as string }]);
  });

  it('says when to come back while the stream cannot be read', async () => {
    const { hub } = await open();
    hub.refusal = new AppError('unavailable', 'Not now.', { retryAfterMs: 2_000 });
    expect(await refusedUpgrade(doors, '/orders/stream')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
    });
  });

  it('takes a page of a listed origin', async () => {
    await open({ allowedOrigins: ['https://app.test'] });
    await expect(refusedUpgrade(doors, '/orders/stream', { origin: 'https://app.test' })).rejects.toThrow(
      'not refused',
    );
    await expect(refusedUpgrade(doors, '/orders/stream', { origin: 'https://app.test:444' })).resolves.toBeDefined();
  });

  it('is refused above the most connections, and taken again below', async () => {
    await open({ connections: 1 });
    const phone = await Phone.open(doors);
    expect(await refusedUpgrade(doors, '/orders/stream')).toMatchObject({ status: 503 });
    phone.socket.close();
    await until(() => doors.hub.open === 0);
    await Phone.open(doors);
  });

  it('to another protocol is an ordinary request', async () => {
    await open();
    const response = await refusedUpgrade(doors, '/orders/stream', { upgrade: 'h2c' });
    expect(response).toMatchObject({ status: 406, body: { code: 'not_acceptable' } });
  });
});

describe('the connections of one caller', () => {
  it('are so many and no more: one above is told why and closed, other callers stay welcome', async () => {
    const { hub } = await open({ connectionsPerCaller: 2 });
    const [first] = [await Phone.open(doors), await Phone.open(doors, '/streams')];
    const third = await Phone.open(doors);
    await third.until(() => third.closed !== undefined);
    expect(third.frames).toMatchObject([
      { t: 'hello' },
      { t: 'error', code: 'rate_limited' },
      { t: 'bye', code: 'limit' },
    ]);
    expect(third.closed?.code).toBe(4429);
    expect(hub.taken).toHaveLength(1);
    const other = await Phone.open(doors, '/orders/stream', '15');
    first.socket.close();
    await until(() => hub.taken[0]?.closed === true);
    const again = await Phone.open(doors);
    expect([other.closed, again.closed]).toEqual([undefined, undefined]);
    expect(doors.audited.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it('are counted over WebSocket and SSE together', async () => {
    await open({ connectionsPerCaller: 1 });
    await Phone.open(doors);
    const headers = { authorization: 'Bearer 13', accept: 'text/event-stream' };
    const response = await fetch(`${doors.url}/orders/stream`, { headers });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5']);
  });
});

describe('the limits of an upgrade', () => {
  const limits = (refuse: () => boolean, counted: unknown[]) => ({
    provide: RequestLimits,
    useValue: {
      admit: (names: unknown, { principal }: CountedRequest) => {
        counted.push([names, principal?.subject]);
        const error = new AppError('rate_limited', 'The limit phones is used up.', { retryAfterMs: 2_000 });
        return refuse() ? Promise.reject(error) : Promise.resolve();
      },
    },
  });

  it('are asked once the caller is known, and refuse it before the upgrade', async () => {
    let refuse = false;
    const counted: unknown[] = [];
    doors = await openDoors({ limits: ['phones'] }, [limits(() => refuse, counted)]);
    await Phone.open(doors);
    refuse = true;
    const refusal = await refusedUpgrade(doors, '/orders/stream');
    expect(refusal).toMatchObject({ status: 429, headers: { 'retry-after': '2' }, body: { code: 'rate_limited' } });
    await refusedUpgrade(doors, '/orders/stream', { authorization: 'Bearer nobody' });
    expect(counted).toEqual([
      [['phones'], '13'],
      [['phones'], '13'],
    ]);
    expect(doors.hub.taken).toHaveLength(1);
  });
});

describe('frames from the server', () => {
  it('say what the session says, as the contract has them', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors);
    const { sink } = hub.last;
    sink.rows('[{"total":1.10,"big":9007199254740993}]', 1, 'c1');
    sink.gone('[["7"]]', 1, 'c2');
    sink.gap('retention', 'c3');
    sink.caughtUp('c4');
    sink.cursor('c5');
    sink.expiring(60);
    sink.unavailable('Not now.');
    await phone.until(() => phone.frames.length === 8);
    expect(phone.texts[1]).toBe('{"t":"rows","s":"orders","c":"c1","r":[{"total":1.10,"big":9007199254740993}]}');
    expect(phone.frames.slice(2)).toEqual([
      { t: 'gone', s: 'orders', c: 'c2', k: [['7']] },
      { t: 'gap', s: 'orders', reason: 'retention', c: 'c3' },
      { t: 'caught-up', s: 'orders', c: 'c4' },
      { t: 'rows', s: 'orders', c: 'c5', r: [] },
      { t: 'expiring', inSeconds: 60 },
      { t: 'error', code: 'unavailable', detail: 'Not now.', s: 'orders' },
    ]);
    for (const frame of phone.frames) {
      expect(serverFrames[frame.t as ServerFrame['t']].safeParse(frame).success).toBe(true);
    }
  });

  it.each([
    ['restart', 1012],
    ['token_expired', 4401],
    ['access_withdrawn', 4403],
    ['too_slow', 4408],
    ['taken', 4409],
  ] as const)('end with bye and the close code when a session ends with %s', async (code, close) => {
    const { hub } = await open();
    const phone = await Phone.open(doors);
    hub.last.sink.cursor('last');
    hub.last.sink.bye(code, 321);
    await phone.until(() => phone.closed !== undefined);
    expect(phone.frames.slice(-2)).toEqual([
      { t: 'rows', s: 'orders', c: 'last', r: [] },
      { t: 'bye', code, retryMs: 321 },
    ]);
    expect(phone.closed).toEqual({ code: close, reason: code });
  });

  it('end with every stream’s last cursor before the one bye', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    phone.send({ t: 'sub', s: 'orders' });
    phone.send({ t: 'sub', s: 'accounts' });
    await until(() => hub.taken.length === 2);
    hub.drain();
    await phone.until(() => phone.closed !== undefined);
    expect(phone.frames.map(({ t, s }) => [t, s])).toEqual([
      ['hello', undefined],
      ['rows', 'orders'],
      ['rows', 'accounts'],
      ['bye', undefined],
    ]);
    expect(hub.open).toBe(0);
  });

  it('are nothing that a peer who takes nothing can make the server keep', async () => {
    const { hub } = await open({ closeTimeoutMs: 50 });
    const phone = await Phone.open(doors);
    phone.socket.pause();
    const { sink } = hub.last;
    const row = `["${'x'.repeat(100_000)}"]`;
    for (let n = 0; n < 300 && sink.bufferedBytes() < 1_000_000; n++) {
      sink.rows(row, 1, 'c');
      await sleep(1);
    }
    expect(sink.bufferedBytes()).toBeGreaterThan(1_000_000);
    sink.bye('too_slow', 1);
    await untilNoneIsLeft(doors);
  });
});

describe('frames from the client', () => {
  it('subscribe, unsubscribe and subscribe again', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    phone.send({ t: 'sub', s: 'orders', after: 'c9' });
    await until(() => hub.taken.length === 1);
    expect(hub.last.start).toEqual({ after: 'c9' });
    phone.send({ t: 'unsub', s: 'orders' });
    await until(() => hub.last.closed);
    phone.send({ t: 'sub', s: 'orders', from: 'earliest', mode: 'events' });
    await until(() => hub.taken.length === 2);
    expect(hub.last.start).toEqual({ from: 'earliest', mode: 'events' });
  });

  it.each([
    ['x', 'malformed'],
    ['null', 'invalid_argument'],
    ['[]', 'invalid_argument'],
    ['{"t":"nope"}', 'invalid_argument'],
    ['{"event":"nope"}', 'invalid_argument'],
    ['{"t":"sub"}', 'invalid_argument'],
    ['{"t":"sub","s":"orders","colour":"red"}', 'invalid_argument'],
    ['{"t":"sub","s":"orders","after":""}', 'invalid_argument'],
    ['{"t":"sub","s":"orders","where":""}', 'invalid_argument'],
    ['{"t":"sub","s":"orders","delivery":"twice"}', 'invalid_argument'],
    ['{"t":"sub","s":"orders","mode":"oldest"}', 'mode_not_offered'],
    ['{"t":"sub","s":"orders","after":"bad"}', 'invalid_cursor'],
    ['{"t":"sub","s":"nothing"}', 'not_found'],
    ['{"t":"unsub","s":"orders"}', 'not_found'],
    ['{"t":"ack","s":"orders","c":"c1"}', 'not_found'],
    ['{"t":"ack","s":"orders"}', 'invalid_argument'],
    ['{"t":"auth","token":"nobody"}', 'unauthenticated'],
    ['{"t":"auth","token":"15"}', 'permission_denied'],
    [Buffer.from('ff', 'hex'), 'unsupported_media_type'],
  ])('that are bad get one coded error, and the connection lives on: %s', async (frame, code) => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    phone.socket.send(frame);
    phone.send({ t: 'sub', s: 'accounts' });
    await until(() => hub.taken.length === 1);
    await phone.until(() => phone.of('error').length > 0);
    expect(phone.of('error')).toMatchObject([{ code, detail: expect.any(String) as string }]);
    expect(serverFrames.error.safeParse(phone.of('error')[0]).success).toBe(true);
  });

  it('that follow a stream twice are refused', async () => {
    await open();
    const phone = await Phone.open(doors);
    phone.send({ t: 'sub', s: 'orders' });
    await phone.until(() => phone.of('error').length === 1);
    expect(phone.of('error')).toMatchObject([{ code: 'conflict', s: 'orders' }]);
  });

  it('may follow so many streams and no more', async () => {
    const { hub } = await open({ subscriptions: 1 });
    const phone = await Phone.open(doors, '/streams');
    phone.send({ t: 'sub', s: 'orders' });
    phone.send({ t: 'sub', s: 'accounts' });
    await phone.until(() => phone.of('error').length === 1);
    expect(hub.taken.map(({ stream }) => stream)).toEqual(['orders']);
  });

  it('close the connection with the tenth bad one', async () => {
    await open({ messageBurst: 100 });
    const phone = await Phone.open(doors, '/streams');
    for (let n = 0; n < 9; n++) phone.socket.send('x');
    await phone.until(() => phone.of('error').length === 9);
    await sleep(20);
    expect(phone.closed).toBeUndefined();
    phone.socket.send('x');
    await phone.until(() => phone.closed !== undefined);
    expect(phone.of('error')).toHaveLength(10);
    expect(phone.closed?.code).toBe(4400);
  });

  it('close the connection when there are too many', async () => {
    await open({ messageBurst: 5, messagesPerSecond: 1 });
    const phone = await Phone.open(doors, '/streams');
    for (let n = 0; n < 5; n++) phone.send({ t: 'unsub', s: 'orders' });
    await phone.until(() => phone.of('error').length === 5);
    expect(phone.closed).toBeUndefined();
    phone.send({ t: 'unsub', s: 'orders' });
    await phone.until(() => phone.closed !== undefined);
    expect(phone.closed?.code).toBe(4429);
  });

  it('may be 16 KiB and no more', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    phone.socket.send('{"t":"sub","s":"orders"}'.padEnd(16_384));
    await until(() => hub.taken.length === 1);
    phone.socket.send('['.repeat(16_385));
    await phone.until(() => phone.closed !== undefined);
    expect(phone.closed?.code).toBe(1009);
    await until(() => hub.last.closed);
  });

  it('say what of a stream they want', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    const wish = {
      mode: 'latest',
      where: 'row.total > 100.0',
      sub: 'till',
      delivery: 'at-most-once',
      from: 'earliest',
    };
    phone.send({ t: 'sub', s: 'orders', ...wish });
    await until(() => hub.taken.length === 1);
    expect(hub.last.start).toEqual(wish);
    await Phone.open(doors, `/streams/accounts?${new URLSearchParams(wish).toString()}`);
    expect(hub.last.start).toEqual(wish);
  });

  it('move the position of a durable subscription, and are refused where there is none', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors, '/streams');
    phone.send({ t: 'sub', s: 'orders', sub: 'till' });
    phone.send({ t: 'sub', s: 'accounts' });
    await until(() => hub.taken.length === 2);
    phone.send({ t: 'ack', s: 'orders', c: 'c7' });
    phone.send({ t: 'ack', s: 'accounts', c: 'c8' });
    await phone.until(() => phone.of('error').length === 1);
    expect(hub.taken.map(({ acked }) => acked)).toEqual([['c7'], []]);
    expect(phone.of('error')).toMatchObject([{ s: 'accounts', code: 'unprocessable' }]);
  });

  it('are not pings without end', async () => {
    await open({ messageBurst: 5, messagesPerSecond: 1 });
    const phone = await Phone.open(doors, '/streams');
    for (let n = 0; n < 6; n++) phone.socket.ping();
    await phone.until(() => phone.closed !== undefined);
    expect(phone.closed?.code).toBe(4429);
  });

  it('refresh the token of every session', async () => {
    const { hub } = await open();
    const phone = await Phone.open(doors);
    phone.send({ t: 'sub', s: 'accounts' });
    await until(() => hub.taken.length === 2);
    phone.send({ t: 'auth', token: '13~7200000' });
    await until(() => hub.taken.every(({ refreshed }) => refreshed.length === 1));
    expect(phone.of('error')).toEqual([]);
  });
});

describe('a connection', () => {
  it('that follows nothing ends when its credential is taken back', async () => {
    await open();
    const withdrawn = new AbortController();
    const { bearer } = authenticator;
    jest.spyOn(authenticator, 'bearer').mockImplementationOnce(async (token) => {
      return { ...(await bearer(token)), withdrawn: withdrawn.signal };
    });
    const phone = await Phone.open(doors, '/streams');
    withdrawn.abort();
    await phone.until(() => phone.closed !== undefined);
    expect(phone.closed?.code).toBe(4403);
  });

  it('that follows nothing is warned and ends with its token', async () => {
    await open();
    const phone = await Phone.open(doors, '/streams', '13~1100');
    await phone.until(() => phone.closed !== undefined);
    expect(phone.of('expiring')).toHaveLength(1);
    expect(phone.closed?.code).toBe(4401);
  });

  it('is pinged, and cut when it has not answered by the next ping', async () => {
    const { hub } = await open({ pingMs: 60 });
    const phone = await Phone.open(doors);
    const silent = await Phone.open(doors, '/streams/accounts');
    silent.socket.pause();
    await until(() => hub.taken[1]?.closed === true);
    expect(phone.closed).toBeUndefined();
  });

  it('leaves nothing behind when its client goes, however early', async () => {
    const { hub } = await open();
    hub.before = () => sleep(Math.random() * 20);
    const head = (path: string) =>
      [`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
        .concat('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: tidegate.v1')
        .concat('Authorization: Bearer 13', '', '')
        .join('\r\n');
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const socket = connect(doors.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.write(head('/orders/stream'));
        await sleep([0, 5, 10, 30][n % 4]);
        socket.resetAndDestroy();
      }),
    );
    await sleep(60);
    await untilNoneIsLeft(doors);
  });

  it('ends after others when there are many, each with its last cursor', async () => {
    await open({ drainMs: 400 });
    const phones = await Promise.all(Array.from({ length: 250 }, () => Phone.open(doors)));
    const closing = doors.app.close();
    await until(() => phones.some(({ closed }) => closed !== undefined));
    expect(phones.filter(({ closed }) => closed === undefined).length).toBeGreaterThanOrEqual(50);
    await closing;
    await until(() => phones.every(({ closed }) => closed?.code === 1012));
    for (const { frames } of phones)
      expect(frames.map(({ t, c }) => [t, c]).slice(-2)).toEqual([
        ['rows', 'last'],
        ['bye', undefined],
      ]);
  });

  it('gets a goodbye when the application closes, and no new one is taken', async () => {
    await open();
    const phone = await Phone.open(doors);
    const idle = await Phone.open(doors, '/streams');
    await doors.app.close();
    await Promise.all([phone, idle].map((one) => one.until(() => one.closed !== undefined)));
    expect([phone.closed?.code, idle.closed?.code]).toEqual([1012, 1012]);
    expect(phone.frames.map(({ t }) => t)).toEqual(['hello', 'rows', 'bye']);
  });
});

describe('WebSocketDoor.list()', () => {
  it('names every path with the access it declares', async () => {
    await open();
    expect(doors.app.get(WebSocketDoor).list()).toEqual([
      expect.objectContaining({ path: '/orders/stream', access: { kind: 'required', resource: 'orders' } }),
      expect.objectContaining({ path: '/streams', access: { kind: 'required' } }),
      expect.objectContaining({ path: '/streams/:name', access: { kind: 'required' } }),
    ]);
  });
});
