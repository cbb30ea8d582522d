import { topics } from '@tidegate/contracts';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Balancer } from './support/balancer';
import type { Bff } from './support/house';
import { SseClient } from './support/sse-client';
import { at, metric, StreamHouse } from './support/stream-house';
import { StreamReader } from './support/stream-reader';
import { WebSocketClient } from './support/websocket-client';

// Replicas of web that are killed, abandoned and shut down under clients that follow a stream from a real broker.
describe('the doors of web', () => {
  let house: StreamHouse;
  let one: Bff;
  let two: Bff;

  beforeAll(async () => {
    house = await StreamHouse.start({ redis: true });
    [one, two] = await Promise.all([house.startWeb('web-one'), house.startWeb('web-two')]);
  }, 120_000);

  const closing: (() => void)[] = [];

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  afterAll(() => house.stop());

  const base = async ({ opsUrl }: Bff): Promise<number[]> => {
    const names = ['tidegate_door_connections', 'tidegate_stream_sessions'];
    return Promise.all(names.map((name) => metric({ opsUrl } as Bff, name)));
  };

  const untilNobodyIsLeft = async (bff: Bff): Promise<void> => {
    for (const deadline = Date.now() + 30_000; (await base(bff)).some((value) => value > 0); await sleep(50)) {
      if (Date.now() > deadline) throw new Error(`connections and sessions left: ${(await base(bff)).join(', ')}`);
    }
  };

  it('lose and double nothing when connections are cut at any byte and a replica is killed', async () => {
    const balancer = await Balancer.open(one.url);
    closing.push(() => balancer.close());
    const last = 600;
    const devices = ['f1', 'f2', 'f3'];
    const token = () => house.issuer.token('operator', 'north');
    const first = await fetch(`${two.url}/streams/telemetry/records?from=latest`, {
      headers: { authorization: `Bearer ${await token()}` },
    });
    const { cursor } = (await first.json()) as { cursor: string };
    const readers = (['websocket', 'sse', 'auto'] as const).flatMap((transport) =>
      [1, 2].map(() => new StreamReader(balancer.url, 'telemetry', { transport, token, after: cursor })),
    );
    closing.push(...readers.map((reader) => () => reader.following.close()));
    const produce = async (device: string): Promise<void> => {
      for (let n = 0; n < last; n += 2) {
        await house.measure('north', device, [n, n + 1]);
        await sleep(10);
      }
    };
    const produced = Promise.all(devices.map(produce));
    for (let round = 0; round < 8; round++) {
      await sleep(250);
      balancer.cutSoon(() => 1 + Math.floor(Math.random() * 3_000));
      if (round !== 4) continue;
      await one.process.kill();
      balancer.target = two.url;
    }
    await produced;
    await Promise.all(readers.map((reader) => reader.until(() => reader.rows.length >= devices.length * last)));
    await sleep(100);
    for (const reader of readers) {
      for (const device of devices) expect(reader.numbersOf(device)).toEqual(Array.from({ length: last }, (_, n) => n));
      expect(reader.gaps).toEqual([]);
      // At least once by a cut and once by the kill, besides the first.
      expect(reader.connections).toBeGreaterThanOrEqual(3);
    }
    for (const reader of readers) reader.following.close();
    await untilNobodyIsLeft(two);
  });

  it('leave nothing behind of 1,000 clients that go while they connect', async () => {
    const authorization = `Authorization: Bearer ${await house.issuer.token('operator', 'north')}`;
    const { port } = new URL(two.url);
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'].concat(
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: tidegate.v1',
    );
    const heads = [upgrade, ['Accept: text/event-stream']].map((lines) =>
      ['GET /streams/telemetry?from=earliest HTTP/1.1', 'Host: x', authorization, ...lines, '', ''].join('\r\n'),
    );
    const visit = async (n: number): Promise<void> => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(heads[n % 2] ?? '');
      await sleep([0, 5, 20, 80][(n >> 1) % 4]);
      socket.resetAndDestroy();
    };
    for (let n = 0; n < 1_000; n += 100) await Promise.all(Array.from({ length: 100 }, (_, m) => visit(n + m)));
    await untilNobodyIsLeft(two);
  });

  it('open and drop 10,000 connections and are as before', async () => {
    const token = await house.issuer.token('operator', 'north');
    for (let n = 0; n < 10_000; n += 100) {
      const opened = Array.from({ length: 100 }, () => WebSocketClient.open(wsOf(two, 'telemetry'), token));
      for (const client of await Promise.all(opened)) client.cut();
    }
    await untilNobodyIsLeft(two);
  }, 180_000);

  it('keep 200 readers going beside 5 that have stopped, which are told where to go on', async () => {
    const token = await house.issuer.token('support', 'north');
    const open = (): Promise<WebSocketClient> => WebSocketClient.open(wsOf(two, 'orders'), token);
    const healthy = await Promise.all(Array.from({ length: 200 }, open));
    const stalled = await Promise.all(Array.from({ length: 5 }, open));
    for (const client of stalled) client.pause();
    const ids = Array.from({ length: 400 }, (_, n) => `stall-${n}`);
    const before = await metric(two, 'process_resident_memory_bytes');
    for (const id of ids) await house.send(topics.orders, 'one partition', order(id, 10_000));
    await Promise.all(healthy.map((client) => client.untilRows('orderId', ids.slice(-1), 60_000)));
    for (const client of healthy) expect(client.rows.map((row) => row['orderId'])).toEqual(ids);
    const tooSlow = () => metric(two, 'tidegate_stream_byes_total', 'code="too_slow"');
    for (const deadline = Date.now() + 30_000; (await tooSlow()) < 5 && Date.now() < deadline;) await sleep(50);
    const grown = (await metric(two, 'process_resident_memory_bytes')) - before;
    for (const client of stalled) client.resume();
    for (const client of stalled) await client.until(() => client.closeCode !== undefined, 'closed');
    expect(stalled.map(({ closeCode }) => closeCode)).toEqual([4408, 4408, 4408, 4408, 4408]);
    expect(grown).toBeLessThan(256 * 1024 * 1024);
    for (const { cursor: after, rows } of stalled) {
      const rest = await WebSocketClient.open(wsOf(two, 'orders'), token, { after: after ?? '' });
      expect([...rows, ...rest.rows].map((row) => row['orderId'])).toEqual(ids);
      rest.close();
    }
    for (const client of healthy) client.close();
    await untilNobodyIsLeft(two);
  });

  it('tell each of 1,000 clients where to go on before they shut down', async () => {
    await one.process.start();
    const tokens = await Promise.all([1, 2, 3].map((n) => house.issuer.token('operator', 'north', `op-${n}`)));
    const clients: (WebSocketClient | SseClient)[] = [];
    for (let n = 0; n < 1_000; n += 100) {
      const some = Array.from({ length: 100 }, (_, m) => {
        const token = tokens[m % 3] ?? '';
        return m < 10
          ? SseClient.open(`${one.url}/streams/telemetry`, token)
          : WebSocketClient.open(wsOf(one, 'telemetry'), token);
      });
      clients.push(...(await Promise.all(some)));
    }
    await house.measure('north', 'goodbye', [1]);
    await one.process.stop();
    expect(await one.process.exited).toMatchObject({ code: 0 });
    const ended = (client: WebSocketClient | SseClient): boolean =>
      client instanceof SseClient ? client.ended : client.closeCode !== undefined;
    await Promise.all(clients.map((client) => client.until(() => ended(client), 'ended')));
    const goodbyes = clients.map((client) =>
      client instanceof SseClient
        ? [client.events.at(-1)?.event, client.events.at(-2)?.id === client.lastEventId, 1012]
        : [client.frames.at(-1)?.t, client.frames.at(-2)?.c === client.cursor, client.closeCode],
    );
    for (const goodbye of goodbyes) expect(goodbye).toEqual(['bye', true, 1012]);
    const [first] = clients;
    const after = first instanceof SseClient ? first.lastEventId : first?.cursor;
    const resumed = await WebSocketClient.open(wsOf(two, 'telemetry'), tokens[0] ?? '', { after: after ?? '' });
    const seen = [...(first?.rows ?? []), ...resumed.rows].filter((row) => row['deviceId'] === 'goodbye');
    expect(seen).toHaveLength(1);
    resumed.close();
  });
});

function wsOf({ url }: Bff, stream: string): string {
  return `${url.replace('http', 'ws')}/streams/${stream}`;
}

function order(orderId: string, bytes: number): object {
  const line = { sku: 's', product: 'x'.repeat(bytes), brand: null, department: null, quantity: 1 };
  return {
    ...{ orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, total: 1 },
    ...{ currency: 'USD', storeId: '1', lines: [{ ...line, unitPrice: 1, discount: 0 }], internalNotes: null },
  };
}
