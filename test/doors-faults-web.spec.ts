import { topics } from '@tidegate/contracts';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Balancer } from './support/balancer';
import type { Bff } from './support/house';
import { until } from './support/kafka-bench';
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

  it('keep 200 readers going beside 10 that have stopped: told where to go on, or given what is newest', async () => {
    const token = await house.issuer.token('support', 'north');
    const open = (start = {}): Promise<WebSocketClient> => WebSocketClient.open(wsOf(two, 'orders'), token, start);
    const some = (count: number, start = {}) => Promise.all(Array.from({ length: count }, () => open(start)));
    const healthy = await some(200);
    const [stalled, conflated] = [await some(5), await some(5, { mode: 'latest' })];
    for (const client of [...stalled, ...conflated]) client.pause();
    const memory = await Peak.of(two);
    const byes = () => metric(two, 'tidegate_stream_byes_total', 'code="too_slow"');
    // Who reads again within the seconds that the server waits hears the goodbye; later there is only a cut.
    const told = until('those that have stopped are closed', async () => (await byes()) >= 5, 90_000, 500).then(() => {
      for (const client of stalled) client.resume();
    });
    const numbers = Array.from({ length: 400 }, (_, n) => n);
    for (const n of numbers) {
      // One of them alone is far more than a reader may have waiting for it.
      await house.send(topics.orders, 'one partition', order(`stall-${n % 20}`, n, n === 200 ? 500_000 : 10_000));
      // All of them are in this process, which may be slower than any reader may be.
      if (n % 10 === 0)
        await Promise.all(healthy.map((client) => client.until(() => client.rows.length > n, 'sent it')));
    }
    await Promise.all(healthy.map((client) => client.until(() => client.rows.length >= 400, 'sent all', 60_000)));
    for (const client of healthy) expect(numbersOf(client)).toEqual(numbers);
    await told;
    // 200 readers of more than 4 MB each have gone by.
    expect(await memory.grownBytes()).toBeLessThan(192 * 1024 * 1024);
    for (const client of conflated) client.resume();
    await Promise.all(stalled.map((client) => client.until(() => client.closeCode !== undefined, 'closed')));
    expect(stalled.map(({ closeCode }) => closeCode)).toEqual([4408, 4408, 4408, 4408, 4408]);
    for (const client of stalled) {
      const rest = await open({ after: client.cursor ?? '' });
      expect([...numbersOf(client), ...numbersOf(rest)]).toEqual(numbers);
      rest.close();
    }
    const newest = numbers.slice(-20);
    for (const client of conflated) {
      const shown = () => new Set(new Map(client.rows.map(({ orderId, total }) => [orderId, total])).values());
      await client.until(() => newest.every((n) => shown().has(n)), 'sent what is newest');
      expect([client.closeCode, client.gaps]).toEqual([undefined, []]);
      expect(client.rows.length).toBeLessThan(400);
    }
    for (const client of [...healthy, ...conflated]) client.close();
    await untilNobodyIsLeft(two);
  }, 120_000);

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

function numbersOf({ rows }: WebSocketClient): unknown[] {
  return rows.map(({ total }) => total);
}

/** The most memory that a process has had since. */
class Peak {
  private most = 0;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly bff: Bff,
    private readonly before: number,
  ) {
    this.timer = setInterval(() => void this.look().catch(() => undefined), 200);
  }

  static async of(bff: Bff): Promise<Peak> {
    return new Peak(bff, await metric(bff, 'process_resident_memory_bytes'));
  }

  async grownBytes(): Promise<number> {
    clearInterval(this.timer);
    await this.look();
    return this.most - this.before;
  }

  private async look(): Promise<void> {
    this.most = Math.max(this.most, await metric(this.bff, 'process_resident_memory_bytes'));
  }
}

function order(orderId: string, total: number, bytes: number): object {
  const line = { sku: 's', product: 'x'.repeat(bytes), brand: null, department: null, quantity: 1 };
  return {
    ...{ orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, total },
    ...{ currency: 'USD', storeId: '1', lines: [{ ...line, unitPrice: 1, discount: 0 }], internalNotes: null },
  };
}
