import { orderStatuses, topics } from '@tidegate/contracts';
import { startKafka, startPostgres, type KafkaCluster, type LocalStore } from '@tidegate/infra';
import { createPool } from '@tidegate/postgres';
import { createLogger } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
import { Shop } from './support/shop';
import { TopicLog } from './support/topic-log';

let kafka: KafkaCluster;
let postgres: LocalStore;
let shop: Shop;
let orders: TopicLog;

beforeAll(async () => {
  [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
  shop = await Shop.start({ databaseUrl: postgres.url, brokers: kafka.brokers });
  await shop.untilSeedIsRelayed();
  orders = await TopicLog.open(kafka.brokers, topics.orders, 'latest');
}, 120_000);

afterAll(async () => {
  await orders.close();
  await shop.stop();
  await Promise.all([kafka.stop(), postgres.stop()]);
}, 60_000);

async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(50);
  }
}

/** Statuses of an order as the topic has them, sent twice or not. */
function steps(orderId: string): unknown[] {
  return orders.of(orderId).map(({ status }) => status);
}

/** Whatever was repeated, each step first came after the one before it, and the last record is the newest. */
function expectInOrder(orderId: string, expected: readonly string[]): void {
  expect([...new Set(steps(orderId))]).toEqual(expected);
  expect(steps(orderId).at(-1)).toBe(expected.at(-1));
}

async function placeAndAdvance(customerId: string): Promise<string> {
  const { status, body } = await shop.place(customerId);
  expect(status).toBe(201);
  for (const step of orderStatuses.slice(1)) expect((await shop.advance(body.orderId, step)).status).toBe(200);
  return body.orderId;
}

describe('the outbox', () => {
  it('brings a new order and each of its steps to the topic, once and in order, within a moment', async () => {
    const { body } = await shop.place('13');
    const answeredAt = performance.now();
    await orders.until(() => orders.of(body.orderId).length > 0);
    // Generous for a busy machine; on an idle one it is under 50 ms.
    expect(performance.now() - answeredAt).toBeLessThan(1_000);
    expect(orders.of(body.orderId)).toEqual([body]);

    const stepped = await placeAndAdvance('14');
    await orders.until(() => steps(stepped).includes('delivered'));
    expect(steps(stepped)).toEqual([...orderStatuses]);
  });

  it('loses nothing and keeps the order of each key when the broker dies and comes back', async () => {
    const before = await Promise.all(['13', '14', '15'].map(placeAndAdvance));
    await kafka.nodes[0]?.kill();
    const during = await Promise.all(['13', '14', '15'].map(placeAndAdvance));
    await until(async () => (await shop.readiness()).checks['kafka']?.ok === false);
    expect((await shop.readiness()).status).toBe('not ready');
    await sleep(6_000);
    const later = await placeAndAdvance('16');
    await kafka.nodes[0]?.restart();
    const all = [...before, ...during, later];
    await orders.until(() => all.every((orderId) => steps(orderId).at(-1) === 'delivered'), 60_000);
    for (const orderId of all) expectInOrder(orderId, orderStatuses);
    await until(async () => (await shop.readiness()).status === 'ready');
  }, 180_000);

  it('goes on by itself when PostgreSQL dies and comes back; meanwhile orders are refused, not lost', async () => {
    await postgres.kill();
    const refused = await shop.call<{ code: string }>('orders', '/orders?customerId=13');
    expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
    expect((await shop.readiness()).checks['postgres']).toMatchObject({ ok: false });
    await postgres.restart();
    const orderId = await placeAndAdvance('13');
    await orders.until(() => steps(orderId).at(-1) === 'delivered');
    expectInOrder(orderId, orderStatuses);
  }, 120_000);

  it('brings every accepted order to the topic although the service is killed again and again', async () => {
    const accepted: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const placing = (async () => {
        for (;;) accepted.push((await shop.place('17')).body.orderId);
      })().catch(() => undefined);
      await sleep(400 + 150 * round);
      await shop.process.kill();
      await placing;
      await shop.process.restart();
    }
    expect(accepted.length).toBeGreaterThan(10);
    await orders.until(() => accepted.every((orderId) => steps(orderId).length > 0), 60_000);
  }, 180_000);

  it('keeps the order of a key when the relay loses its lock while a batch hangs', async () => {
    const second = await Shop.start({ databaseUrl: postgres.url, brokers: kafka.brokers });
    const pool = createPool({ url: postgres.url }, { logger: createLogger({ service: 'test', level: 'silent' }) });
    try {
      await kafka.nodes[0]?.kill();
      const back = kafka.nodes[0]?.start();
      const hanging = await placeAndAdvance('11');
      // The relay's advisory lock: its connection ends, and the other replica takes over.
      const { count } = await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7433002 AND granted`,
      );
      expect(count).toBe(1);
      const behind = await placeAndAdvance('12');
      await back;
      await orders.until(() => [hanging, behind].every((orderId) => steps(orderId).at(-1) === 'delivered'));
      for (const orderId of [hanging, behind]) expectInOrder(orderId, orderStatuses);
    } finally {
      await Promise.all([second.stop(), pool.close()]);
    }
  }, 120_000);

  it('is relayed by one replica at a time, and by the other when that one dies', async () => {
    const second = await Shop.start({ databaseUrl: postgres.url, brokers: kafka.brokers });
    try {
      const placed = await Promise.all(Array.from({ length: 20 }, () => shop.place('18')));
      const ids = placed.map(({ body }) => body.orderId);
      await orders.until(() => ids.every((orderId) => steps(orderId).length > 0));
      await sleep(500);
      await orders.readAll();
      expect(ids.map((orderId) => steps(orderId).length)).toEqual(ids.map(() => 1));
      expect(await second.relayed()).toBe(0);
      const open = await second.place('19');
      await orders.until(() => steps(open.body.orderId).length > 0);
      await shop.process.kill();
      const orphaned = await second.place('20');
      await orders.until(() => steps(orphaned.body.orderId).length > 0);
      // Counted once Kafka's answer is back, which is after others can read the record.
      await until(async () => (await second.relayed()) > 0);
    } finally {
      await second.stop();
    }
    await shop.process.restart();
  }, 120_000);
});
