import { REDIS, type Redis } from '@tidegate/redis';
import { authenticator, openDoors, Phone, refusedUpgrade, type Doors } from './doors-fixture';
import { MemoryTicketStore, RedisTicketStore, type TicketStore } from './ticket-store';
import { Tickets } from './tickets';

const origin = 'https://app.test';
const other = 'https://shop.test';

const bearer = (token: string) => ({ rawHeaders: ['Authorization', `Bearer ${token}`] });

/** A Redis that is there, with the two commands that tickets need. */
function redisOf(kept: Map<string, string>): Redis {
  const redis = {
    set: (key: string, text: string, _px: 'PX', _ms: number) => Promise.resolve(kept.set(key, text) && 'OK'),
    getdel: (key: string) => {
      const text = kept.get(key) ?? null;
      kept.delete(key);
      return Promise.resolve(text);
    },
  };
  return redis as unknown as Redis;
}

afterEach(() => authenticator.revoked.clear());

describe(Tickets.name, () => {
  const kept = new Map<string, string>();
  const stores: [name: string, open: () => TicketStore][] = [
    [MemoryTicketStore.name, () => new MemoryTicketStore()],
    [RedisTicketStore.name, () => new RedisTicketStore(redisOf(kept))],
  ];

  it.each(stores)('in a %s are good once, for one origin', async (_name, open) => {
    const tickets = new Tickets(open(), authenticator);
    const { ticket, expiresIn } = await tickets.issue(bearer('13'), origin);
    expect(expiresIn).toBe(30);
    expect(await tickets.redeem(ticket, origin)).toMatchObject({ subject: '13', tenant: 'north' });
    await expect(tickets.redeem(ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });

    const bound = await tickets.issue(bearer('13'), origin);
    await expect(tickets.redeem(bound.ticket, other)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(tickets.redeem(bound.ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });
    const native = await tickets.issue(bearer('13'), undefined);
    await expect(tickets.redeem(native.ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it.each(stores)('in a %s are of two callers at once told apart', async (_name, open) => {
    const tickets = new Tickets(open(), authenticator);
    const [one, two] = [await tickets.issue(bearer('13'), origin), await tickets.issue(bearer('15'), origin)];
    expect((await tickets.redeem(two.ticket, origin)).subject).toBe('15');
    expect((await tickets.redeem(one.ticket, origin)).subject).toBe('13');
  });

  it('end after 30 s', async () => {
    let nowMs = 0;
    const tickets = new Tickets(new MemoryTicketStore({ now: () => nowMs }), authenticator);
    const [one, two] = [await tickets.issue(bearer('13'), origin), await tickets.issue(bearer('13'), origin)];
    nowMs = 29_999;
    await expect(tickets.redeem(one.ticket, origin)).resolves.toBeDefined();
    nowMs = 30_000;
    await expect(tickets.redeem(two.ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('are worth what the token is worth when they are used', async () => {
    const tickets = new Tickets(new MemoryTicketStore(), authenticator);
    const { ticket } = await tickets.issue(bearer('13'), origin);
    authenticator.revoked.add('13');
    await expect(tickets.redeem(ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('leave in the store neither themselves nor the token', async () => {
    const tickets = new Tickets(new RedisTicketStore(redisOf(kept)), authenticator);
    const { ticket } = await tickets.issue(bearer('very-secret-token'), origin);
    const all = JSON.stringify([...kept]);
    expect(all).not.toContain(ticket);
    expect(Buffer.from(all).toString('latin1')).not.toContain('very-secret-token');
    expect(Buffer.from([...kept.values()][0] ?? '', 'base64url').toString('latin1')).not.toContain('secret');
  });

  it.each(['', 'x', 'a'.repeat(43), 'ä'.repeat(43), 'a'.repeat(5_000)])('are not %s', async (ticket) => {
    const tickets = new Tickets(new MemoryTicketStore(), authenticator);
    await expect(tickets.redeem(ticket, origin)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('are so many in one process and no more, until the oldest end', async () => {
    let nowMs = 0;
    const tickets = new Tickets(new MemoryTicketStore({ most: 2, now: () => nowMs }), authenticator);
    await tickets.issue(bearer('13'), origin);
    await tickets.issue(bearer('13'), origin);
    await expect(tickets.issue(bearer('13'), origin)).rejects.toMatchObject({ code: 'unavailable' });
    nowMs = 30_000;
    await expect(tickets.issue(bearer('13'), origin)).resolves.toBeDefined();
  });
});

describe('POST /stream-tickets', () => {
  let doors: Doors;
  const options = { allowedOrigins: [origin, other] };
  const ask = (headers: Record<string, string>) => fetch(`${doors.url}/stream-tickets`, { method: 'POST', headers });
  const askTicket = async (token = '13', from = origin): Promise<string> => {
    const response = await ask({ authorization: `Bearer ${token}`, origin: from });
    return ((await response.json()) as { ticket: string }).ticket;
  };

  afterEach(() => doors.app.close());

  it('gives a page what opens a WebSocket once', async () => {
    doors = await openDoors(options);
    const response = await ask({ authorization: 'Bearer 13', origin });
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { ticket, ...rest } = (await response.json()) as { ticket: string };
    expect(rest).toEqual({ expiresIn: 30 });
    const page = await Phone.page(doors, '/orders/stream', ticket, origin);
    expect(page.socket.protocol).toBe('tidegate.v1');
    expect(doors.hub.last.principal.subject).toBe('13');
    const protocols = { origin, authorization: undefined, 'sec-websocket-protocol': `tidegate.v1, ticket.${ticket}` };
    expect((await refusedUpgrade(doors, '/orders/stream', protocols)).status).toBe(401);
  });

  it.each<[what: string, headers: (ticket: string) => Record<string, string | undefined>, status: number]>([
    ['of another origin', () => ({ origin: other }), 401],
    ['of no origin', () => ({}), 401],
    ['beside a token', () => ({ origin, authorization: 'Bearer 13' }), 401],
    ['of a page that may not connect', () => ({ origin: 'https://evil.test' }), 403],
    ['twice', (ticket) => ({ origin, 'sec-websocket-protocol': `tidegate.v1, ticket.${ticket}, ticket.x` }), 400],
    ['without the protocol', (ticket) => ({ origin, 'sec-websocket-protocol': `ticket.${ticket}` }), 400],
  ])('gives a ticket that opens nothing %s', async (_what, headers, status) => {
    doors = await openDoors(options);
    const ticket = await askTicket();
    const upgrade = { authorization: undefined, 'sec-websocket-protocol': `tidegate.v1, ticket.${ticket}` };
    expect((await refusedUpgrade(doors, '/orders/stream', { ...upgrade, ...headers(ticket) })).status).toBe(status);
    expect(doors.hub.taken).toEqual([]);
  });

  it('is refused without a token, and to a page that may not connect', async () => {
    doors = await openDoors(options);
    expect((await ask({ origin })).status).toBe(401);
    expect((await ask({ authorization: 'Bearer 13', origin: 'https://evil.test' })).status).toBe(403);
    expect((await ask({ authorization: 'Bearer 13', origin: 'null' })).status).toBe(403);
  });

  it('is told to come back while Redis is away, and so is a ticket', async () => {
    const away = () => Promise.reject(new Error('Connection is closed.'));
    doors = await openDoors(options, [{ provide: REDIS, useValue: { set: away, getdel: away } }]);
    const response = await ask({ authorization: 'Bearer 13', origin });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    const protocols = `tidegate.v1, ticket.${'a'.repeat(43)}`;
    const upgrade = { origin, authorization: undefined, 'sec-websocket-protocol': protocols };
    expect((await refusedUpgrade(doors, '/orders/stream', upgrade)).status).toBe(503);
  });

  it('is good on another replica that has the same Redis', async () => {
    const redis = { provide: REDIS, useValue: redisOf(new Map()) };
    const replica = await openDoors(options, [redis]);
    doors = await openDoors(options, [redis]);
    await Phone.page(replica, '/orders/stream', await askTicket(), origin);
    expect(replica.hub.last.principal.subject).toBe('13');
    await replica.app.close();
  });

  it('writes no ticket into the audit', async () => {
    doors = await openDoors(options);
    const ticket = await askTicket();
    await Phone.page(doors, '/orders/stream', ticket, origin);
    expect(JSON.stringify(doors.audited)).not.toContain(ticket);
    expect(doors.audited.at(-1)).toMatchObject({ status: 101, actor: { subject: '13' } });
  });
});
