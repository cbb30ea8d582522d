import { topics, type JsonObject } from '@tidegate/contracts';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bff } from './support/house';
import { until } from './support/kafka-bench';
import { SseClient } from './support/sse-client';
import { at, frame, readPage, StreamHouse } from './support/stream-house';
import { StreamReader } from './support/stream-reader';
import { WebSocketClient } from './support/websocket-client';

jest.setTimeout(240_000);

/** How long a refusal may take while no broker answers. */
const refusedMs = 15_000;
/** How soon all is served again, which the libraries underneath promise. */
const backMs = 40_000;

interface Outage {
  take: 'kill' | 'pause';
  giveBack: 'start' | 'resume';
  ms: number;
  /** In which every session says at least so often where it stands. */
  heartbeats: number;
  /** Loses what transactions and accounts hold meanwhile, as a broker does whose disk fails. */
  losesLogs?: boolean;
}

// Both at a time, each on a cluster of its own, since they are nothing but waiting.
describe('the doors of web whose broker is away', () => {
  const houses: StreamHouse[] = [];

  beforeAll(async () => {
    houses.push(...(await Promise.all([1, 2].map(() => StreamHouse.start({ redis: true, partitions: 1 })))));
  }, 120_000);

  afterAll(() => Promise.all(houses.map((house) => house.stop())));

  it('keep sessions and acknowledgements, refuse newcomers in time, and lose nothing: killed and frozen', async () => {
    const [killed, frozen] = houses as [StreamHouse, StreamHouse];
    await Promise.all([
      survive(killed, { take: 'kill', giveBack: 'start', ms: 60_000, heartbeats: 2, losesLogs: true }),
      survive(frozen, { take: 'pause', giveBack: 'resume', ms: 30_000, heartbeats: 1 }),
    ]);
  });
});

async function survive(house: StreamHouse, outage: Outage): Promise<void> {
  const guests = await Guests.arrive(house);
  try {
    await survivedBy(guests, house, outage);
  } finally {
    guests.leave();
  }
}

async function survivedBy(guests: Guests, house: StreamHouse, outage: Outage): Promise<void> {
  const { node } = house.bench;
  await guests.measure(1, 2, 3);
  await guests.book('t3');
  await guests.untilAllHave(3);
  const [{ cursor = '' }] = guests.events;

  await node[outage.take]();
  const backAtMs = Date.now() + outage.ms;
  const before = guests.heartbeats();
  guests.acknowledge();
  const patient = Promise.all([guests.measure(4, 5, 6), guests.book('t4', 't5', 't6', 't7')]);
  await guests.untilRefused();
  if (outage.losesLogs === true) loseLogs(house);
  await sleep(backAtMs - Date.now());
  const beaten = guests.heartbeats().map((count, n) => count - (before[n] ?? 0));
  for (const count of beaten) expect(count).toBeGreaterThanOrEqual(outage.heartbeats);
  expect(guests.leftBehind()).toEqual([]);

  await node[outage.giveBack]();
  await patient;
  await guests.measure(7, 8, 9);
  await guests.untilAllHave(9);
  await until('it is ready again', async () => (await guests.readiness()) === 200, backMs);
  for (const { rows, gaps } of guests.events) {
    expect([numbersOf(rows), gaps]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], []]);
  }
  expect(guests.leftBehind()).toEqual([]);
  const page = await readPage(guests.web, 'telemetry', guests.tokens.operator, `after=${cursor}`);
  expect([page.body.gap, numbersOf(page.body.records)]).toEqual([null, [4, 5, 6, 7, 8, 9]]);
  await guests.untilAcknowledged();
  if (outage.losesLogs === true) await guests.hearWhatWasLost();
}

/** Clients of every kind, on a replica of web whose broker goes away under them. */
class Guests {
  private constructor(
    private readonly house: StreamHouse,
    readonly web: Bff,
    readonly tokens: Record<'operator' | 'support' | 'analyst', string>,
    readonly events: [WebSocketClient, SseClient, StreamReader],
    private readonly sockets: Record<'latest' | 'durable' | 'transactions', WebSocketClient>,
    /** Where a reader of accounts stood before anything happened. */
    private readonly stoodAt: string,
  ) {}

  static async arrive(house: StreamHouse): Promise<Guests> {
    const web = await house.startWeb('web');
    const token = (role: string) => house.issuer.token(role, 'north', role);
    const tokens = {
      operator: await token('operator'),
      support: await token('support'),
      analyst: await token('retail-analyst'),
    };
    await house.send(topics.orders, 'before', order('before'));
    for (const id of ['t1', 't2']) await house.send(topics.transactions, 'A13', movement(id));
    await house.bench.createTopic(topics.accounts, 1);
    for (const balance of [1, 2, 3]) await house.send(topics.accounts, 'A13', account(balance));
    const { cursor } = (await readPage(web, 'accounts', tokens.support, 'from=earliest')).body;
    const socket = (stream: string, by: string, start = {}) =>
      WebSocketClient.open(`${web.url.replace('http', 'ws')}/streams/${stream}`, by, start);
    const reader = new StreamReader(web.url, 'telemetry', { transport: 'auto', token: () => tokens.operator });
    await reader.until(() => reader.following.cursor !== undefined, 'live');
    return new Guests(
      ...[house, web, tokens],
      [
        await socket('telemetry', tokens.operator),
        await SseClient.open(`${web.url}/streams/telemetry`, tokens.operator),
        reader,
      ],
      {
        latest: await socket('orders', tokens.support, { mode: 'latest' }),
        durable: await socket('orders', tokens.support, { sub: 'desk', from: 'earliest' }),
        transactions: await socket('transactions', tokens.analyst, { from: 'earliest' }),
      },
      cursor,
    );
  }

  /** Each is written once, however long the broker is away. */
  async measure(...numbers: number[]): Promise<void> {
    const producer = this.house.bench.producer();
    for (const n of numbers) {
      const value = JSON.stringify(frame('north', 'd', [n]));
      await producer.send({ topic: topics.telemetry, key: 'north/d', value }, { timeoutMs: 150_000 });
    }
  }

  async book(...transactionIds: string[]): Promise<void> {
    const producer = this.house.bench.producer();
    for (const id of transactionIds) {
      const value = JSON.stringify(movement(id));
      await producer.send({ topic: topics.transactions, key: 'A13', value }, { timeoutMs: 150_000 });
    }
  }

  untilAllHave(number: number): Promise<void> {
    return until(`all have ${number}`, () => this.events.every(({ rows }) => numbersOf(rows).includes(number)), backMs);
  }

  heartbeats(): number[] {
    const [socket, sse] = this.events;
    const ofSockets = [socket, ...Object.values(this.sockets)].map(
      ({ frames }) => frames.filter(({ t, r }) => t === 'rows' && r?.length === 0).length,
    );
    return [...ofSockets, sse.events.filter(({ event }) => event === 'cursor').length];
  }

  /** Who had to leave. */
  leftBehind(): string[] {
    const [socket, sse, reader] = this.events;
    const closed = Object.entries({ socket, ...this.sockets }).flatMap(([name, { closeCode }]) =>
      closeCode === undefined ? [] : [`${name} ${closeCode}`],
    );
    return [...closed, ...(sse.ended ? ['sse'] : []), ...(reader.connections > 1 ? ['reader'] : [])];
  }

  async readiness(): Promise<number> {
    return (await fetch(`${this.web.opsUrl}/readyz`)).status;
  }

  /** Every door, in time, with a word on when to come back. */
  async untilRefused(): Promise<void> {
    const { web, tokens } = this;
    await until('it is not ready', async () => (await this.readiness()) === 503, refusedMs);
    // What is live needs no broker, until it is known that none answers.
    const acknowledgement = { sub: 'desk', cursor: this.sockets.durable.cursor ?? '' };
    const isRefused = async (): Promise<boolean> => {
      const latest = await readPage(web, 'telemetry', tokens.operator, 'from=latest');
      return latest.status === 503 && (await this.post(acknowledgement)).status === 503;
    };
    await until('what is live is refused', isRefused, refusedMs);
    const startedAtMs = Date.now();
    const page = await readPage(web, 'telemetry', tokens.operator, 'from=earliest');
    expect([page.status, page.body.code, page.retryAfter]).toEqual([503, 'unavailable', '2']);
    const address = `${web.url.replace('http', 'ws')}/streams/telemetry`;
    expect(await WebSocketClient.refusal(address, tokens.operator)).toEqual({ status: 503, retryAfter: '2' });
    await expect(SseClient.open(`${web.url}/streams/telemetry`, tokens.operator)).rejects.toThrow('503');
    // Of a topic that nobody follows here yet.
    expect((await readPage(web, 'customers', tokens.support, 'from=latest')).status).toBe(503);
    expect(Date.now() - startedAtMs).toBeLessThan(refusedMs);
  }

  /** All that the durable subscription has had. */
  acknowledge(): void {
    const { durable } = this.sockets;
    expect(durable.rows).toHaveLength(1);
    durable.send({ t: 'ack', s: 'orders', c: durable.cursor });
  }

  /** What was acknowledged during the outage is stored in the end. */
  async untilAcknowledged(): Promise<void> {
    const digest = createHash('sha256').update(['support', 'orders', 'desk'].join('\0')).digest('base64url');
    const groupId = `tidegate.north.${digest.slice(0, 22)}`;
    const stored = async (): Promise<boolean> => {
      const [orders] = await this.house.bench.admin.fetchOffsets({ groupId, topics: [topics.orders] });
      return orders?.partitions[0]?.offset === '1';
    };
    await until('the acknowledgement is stored', stored, backMs);
    await this.house.send(topics.orders, 'after', order('after'));
    const { latest, durable } = this.sockets;
    for (const client of [latest, durable]) await client.untilRows('orderId', ['after'], backMs);
    expect(durable.rows.map(({ orderId }) => orderId)).toEqual(['before', 'after']);
  }

  /** Who was live is told, however much has been written since, and so is who stood where nothing is yet. */
  async hearWhatWasLost(): Promise<void> {
    const { transactions } = this.sockets;
    await transactions.untilRows('transactionId', ['t7'], backMs);
    expect(transactions.gaps).toEqual(['truncated']);
    const ids = transactions.rows.map(({ transactionId }) => transactionId);
    expect(ids).toEqual(['t1', 't2', 't3', 't4', 't5', 't6', 't7']);
    const page = await readPage(this.web, 'accounts', this.tokens.support, `after=${this.stoodAt}`);
    expect(page.body.gap).toEqual({ reason: 'truncated' });
  }

  leave(): void {
    const [socket, sse, reader] = this.events;
    for (const one of [socket, ...Object.values(this.sockets)]) one.close();
    sse.cut();
    reader.close();
  }

  private post(acknowledgement: { sub: string; cursor: string }): Promise<Response> {
    return fetch(`${this.web.url}/streams/orders/acks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.tokens.support}`, 'content-type': 'application/json' },
      body: JSON.stringify(acknowledgement),
    });
  }
}

function loseLogs({ bench }: StreamHouse): void {
  const data = path.join(path.dirname(bench.node.logFile), 'data');
  for (const topic of [topics.transactions, topics.accounts])
    rmSync(path.join(data, `${topic}-0`), { recursive: true });
}

function numbersOf(rows: readonly JsonObject[]): unknown[] {
  return rows.map(({ v }) => v);
}

function order(orderId: string): object {
  const what = { total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes: '' };
  return { orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, ...what };
}

function account(balance: number): object {
  const what = { segment: 'retail', currency: 'USD', balance, updatedAt: at };
  return { accountId: 'A13', customerId: '13', tenantId: 'north', ...what };
}

function movement(transactionId: string): object {
  return {
    ...{ transactionId, accountId: 'A13', customerId: '13', tenantId: 'north', segment: 'retail', amount: 5 },
    ...{ currency: 'USD', balanceAfter: 7, bookedAt: at, customerName: 'Ada', accountNumber: '0000128009' },
  };
}
