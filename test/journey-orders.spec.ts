import { setTimeout as sleep } from 'node:timers/promises';
import { House } from './support/house';
import { SseClient } from './support/sse-client';
import { WebSocketClient } from './support/websocket-client';

// The main job with real data: an order placed in the demo service reaches its owner's phone and nobody else's,
// over a cut, a killed replica and a killed broker. Households 13 and 15 share a tenant; 14 is of the other one.
describe('the journey of an order', () => {
  let house: House;
  let replicaA: Awaited<ReturnType<House['startMobile']>>;
  let replicaB: Awaited<ReturnType<House['startMobile']>>;
  let owner: string;
  let service: string;
  const placed: string[] = [];

  const streamUrl = (base: string): string => `${base.replace('http', 'ws')}/orders/stream`;
  const place = async (customerId = '13'): Promise<string> => {
    const orderId = await house.placeOrder(customerId, service);
    if (customerId === '13') placed.push(orderId);
    return orderId;
  };

  beforeAll(async () => {
    house = await House.start();
    [replicaA, replicaB] = await Promise.all([house.startMobile('mobile-a'), house.startMobile('mobile-b')]);
    [owner, service] = await Promise.all([
      house.token({ role: 'customer', subject: '13' }),
      house.token({ role: 'service' }),
    ]);
  }, 180_000);

  afterAll(() => house.stop(), 60_000);

  it('shows the real history on the first screen', async () => {
    const response = await fetch(`${replicaA.url}/home`, { headers: { authorization: `Bearer ${owner}` } });
    const home = (await response.json()) as {
      customer: { customerId: string };
      orders: { items: { customerId: string }[] };
      account: { customerId: string };
    };
    expect(response.status).toBe(200);
    expect(home.customer.customerId).toBe('13');
    expect(home.account.customerId).toBe('13');
    expect(home.orders.items.length).toBeGreaterThan(0);
    expect(home.orders.items.every(({ customerId }) => customerId === '13')).toBe(true);
  });

  it('brings a new order to its owner over WebSocket and SSE, and to nobody else', async () => {
    const others = await Promise.all(
      ['14', '15'].map(async (subject) => {
        const token = await house.token({ role: 'customer', subject });
        return { subject, client: await WebSocketClient.open(streamUrl(replicaA.url), token) };
      }),
    );
    const [socket, events] = await Promise.all([
      WebSocketClient.open(streamUrl(replicaA.url), owner),
      SseClient.open(`${replicaB.url}/orders/stream`, owner),
    ]);
    const orderId = await place();
    await Promise.all([socket.untilRows('orderId', [orderId]), events.untilRows('orderId', [orderId])]);

    for (const { subject, client } of others) {
      // An own order that comes later proves that the stream was past the foreign one.
      const own = await place(subject);
      await client.untilRows('orderId', [own]);
      expect(new Set(client.rows.map((row) => row['customerId']))).toEqual(new Set([subject]));
      client.close();
    }
    expect(socket.rows.every((row) => row['customerId'] === '13')).toBe(true);
    expect(socket.rows.some((row) => 'internalNotes' in row)).toBe(false);
    socket.close();
    events.cut();
  });

  it('resumes on another replica after a cut, without a gap', async () => {
    const before = await WebSocketClient.open(streamUrl(replicaA.url), owner);
    const first = await place();
    await before.untilRows('orderId', [first]);
    before.cut();
    const missed = [await place(), await place(), await place()];

    const after = await WebSocketClient.open(streamUrl(replicaB.url), owner, { after: before.cursor ?? '' });
    await after.untilRows('orderId', missed);
    expect(after.rows.map((row) => row['orderId'])).not.toContain(first);
    expect(after.frames.some(({ t }) => t === 'gap')).toBe(false);
    after.close();
  });

  it('resumes SSE by Last-Event-ID and records by cursor', async () => {
    const before = await SseClient.open(`${replicaA.url}/orders/stream`, owner);
    const first = await place();
    await before.untilRows('orderId', [first]);
    before.cut();
    const missed = [await place(), await place()];

    const after = await SseClient.open(`${replicaB.url}/orders/stream`, owner, before.lastEventId);
    await after.untilRows('orderId', missed);
    after.cut();
    const records = `${replicaB.url}/orders/stream/records?after=${encodeURIComponent(before.lastEventId ?? '')}&waitMs=5000`;
    const response = await fetch(records, { headers: { authorization: `Bearer ${owner}` } });
    const page = (await response.json()) as { records: { orderId: string }[]; gap: unknown };
    expect(page.gap).toBeNull();
    expect(page.records.map(({ orderId }) => orderId).sort()).toEqual([...missed].sort());
  });

  it('survives kill -9 of the replica that holds the stream', async () => {
    const before = await WebSocketClient.open(streamUrl(replicaA.url), owner);
    const first = await place();
    await before.untilRows('orderId', [first]);
    await replicaA.process.kill();
    await before.until(() => before.closeCode !== undefined, 'closed');
    const missed = [await place(), await place()];

    const after = await WebSocketClient.open(streamUrl(replicaB.url), owner, { after: before.cursor ?? '' });
    await after.untilRows('orderId', missed);
    after.close();
    await replicaA.process.restart();
  });

  it('survives kill -9 of the broker: what was accepted meanwhile arrives after its return, with no hand', async () => {
    const socket = await WebSocketClient.open(streamUrl(replicaA.url), owner);
    const events = await SseClient.open(`${replicaB.url}/orders/stream`, owner);
    const [broker] = house.kafka.nodes;
    await broker?.kill();
    const accepted = [await place(), await place()];
    await sleep(3_000);
    await broker?.start();
    accepted.push(await place());
    await Promise.all([socket.untilRows('orderId', accepted, 60_000), events.untilRows('orderId', accepted, 60_000)]);
    socket.close();
    events.cut();
  }, 120_000);

  it('lost nothing of what the service accepted', async () => {
    const seen = new Set<unknown>();
    let start = 'from=earliest';
    for (let page = 0; page < 200 && placed.some((orderId) => !seen.has(orderId)); page++) {
      const response = await fetch(`${replicaA.url}/orders/stream/records?${start}&limit=1000`, {
        headers: { authorization: `Bearer ${owner}` },
      });
      if (response.status === 503) {
        await sleep(1_000 * Number(response.headers.get('retry-after')));
        continue;
      }
      const body = (await response.json()) as { records: { orderId: string }[]; cursor: string };
      expect(body).toMatchObject({ cursor: expect.any(String) as string, gap: null });
      for (const { orderId } of body.records) seen.add(orderId);
      start = `after=${encodeURIComponent(body.cursor)}`;
    }
    expect(placed.filter((orderId) => !seen.has(orderId))).toEqual([]);
  });
});
