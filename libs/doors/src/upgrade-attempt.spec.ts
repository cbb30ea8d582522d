import { get } from 'node:http';
import type { Socket } from 'node:net';
import { openDoors, Phone, refusedUpgrade, until, type Doors } from './doors-fixture';

let doors: Doors;

beforeEach(async () => {
  doors = await openDoors();
});
afterEach(() => doors.app.close());

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMyJ9.c2lnbmF0dXJl';

describe('the audit of an upgrade', () => {
  it('is one event with the caller, the path and the query that it had', async () => {
    const phone = await Phone.open(doors, '/orders/stream?from=earliest');
    await until(() => doors.audited.length > 0);
    expect(doors.audited).toHaveLength(1);
    expect(doors.audited[0]).toMatchObject({
      ...{ type: 'request', operation: 'WEBSOCKET /orders/stream', action: 'read', decision: 'allow', status: 101 },
      ...{ outcome: 'ok', actor: { type: 'user', subject: '13', tenant: 'north' } },
      resource: { route: '/orders/stream', query: ['from'] },
    });
    expect(doors.audited[0]?.address).toMatch(/127\.0\.0\.1$/);
    phone.socket.close();
  });

  it.each<[what: string, path: string, changed: Record<string, string | undefined>, about: object]>([
    [
      'no token',
      '/orders/stream',
      { authorization: undefined },
      { status: 401, outcome: 'unauthenticated', decision: 'deny', actor: { type: 'anonymous' } },
    ],
    [
      'a bad token',
      '/orders/stream',
      { authorization: 'Bearer nobody' },
      { status: 401, actor: { type: 'anonymous' } },
    ],
    [
      'a foreign origin',
      '/orders/stream',
      { origin: 'https://evil.test' },
      { status: 403, outcome: 'permission_denied', decision: 'deny' },
    ],
    [
      'an unknown stream',
      '/streams/payments',
      {},
      {
        ...{ status: 404, outcome: 'not_found', decision: 'deny', actor: { subject: '13' } },
        resource: { route: '/streams/:name', ids: { name: 'payments' } },
      },
    ],
    ['a token for a stream', `/streams/${jwt}`, {}, { resource: { ids: { name: '[withheld]' } } }],
    ['nothing there', `/nowhere/${jwt}`, {}, { status: 404, resource: { route: 'none' } }],
    [
      'a token in the query',
      `/orders/stream?access_token=${jwt}`,
      {},
      { status: 400, resource: { query: ['access_token'] } },
    ],
    ['a bad cursor', '/orders/stream?after=bad', {}, { status: 400, outcome: 'invalid_cursor', decision: 'allow' }],
  ])('is one event for %s', async (_what, path, changed, about) => {
    const { status, headers } = await refusedUpgrade(doors, path, { ...changed, 'user-agent': `probe ${jwt}` });
    expect(doors.audited).toHaveLength(1);
    expect(doors.audited[0]).toMatchObject({
      operation: expect.stringContaining('WEBSOCKET') as string,
      status,
      ...about,
    });
    expect(doors.audited[0]?.requestId).toBe(headers['x-request-id']);
    expect(JSON.stringify(doors.audited)).not.toContain('eyJ');
  });

  it('is one event for a stream that is denied to a frame, and none for frames that are only wrong', async () => {
    const phone = await Phone.open(doors, '/streams');
    phone.send({ t: 'sub', s: 'payments' });
    phone.send({ t: 'sub', s: 'orders' });
    phone.send({ t: 'nonsense' });
    phone.send({ t: 'auth', token: 'nobody' });
    await until(() => phone.of('error').length === 3);
    const refused = doors.audited.filter(({ type }) => type === 'stream.refused');
    expect(refused).toHaveLength(2);
    const requestId = doors.audited.find(({ type }) => type === 'request')?.requestId;
    const actor = expect.objectContaining({ subject: '13' }) as object;
    const about = { decision: 'deny', actor, requestId };
    expect(refused).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...about, operation: 'stream.subscribe', outcome: 'not_found' }),
        expect.objectContaining({ ...about, operation: 'stream.auth', outcome: 'unauthenticated' }),
      ]),
    );
    phone.socket.close();
  });

  it('is one event for a client that leaves meanwhile, and no session is left', async () => {
    let enter: (() => void) | undefined;
    doors.hub.before = () => new Promise((resolve) => (enter = resolve));
    const sockets: Socket[] = [];
    doors.app.getHttpServer().on('connection', (socket: Socket) => sockets.push(socket));
    const gone = refusedUpgrade(doors, '/orders/stream').catch(() => 'gone');
    await until(() => enter !== undefined);
    for (const socket of sockets) socket.destroy();
    expect(await gone).toBe('gone');
    enter?.();
    await until(() => doors.audited.length === 1);
    expect(doors.audited[0]).toMatchObject({ status: 499, outcome: 'client_gone', actor: { subject: '13' } });
    expect(doors.hub.open).toBe(0);
  });
});

describe('the audit of an event stream', () => {
  it('is the event of its request, once the stream is over', async () => {
    const headers = { authorization: 'Bearer 13', accept: 'text/event-stream' };
    const request = get({ port: doors.port, path: '/orders/stream', headers });
    await new Promise((resolve) => request.on('response', (response) => response.once('data', resolve)));
    expect(doors.audited).toEqual([]);
    request.on('error', () => undefined);
    request.destroy();
    await until(() => doors.audited.length === 1);
    expect(doors.audited[0]).toMatchObject({
      operation: 'GET /orders/stream',
      status: 200,
      outcome: 'ok',
      decision: 'allow',
    });
  });
});
