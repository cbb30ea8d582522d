import { KafkaHealth } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { Heard, KafkaBench, until } from './support/kafka-bench';

describe('a tail whose broker fails', () => {
  let bench: KafkaBench;
  let patient: KafkaBench;

  beforeAll(async () => {
    [bench, patient] = await Promise.all([
      KafkaBench.start(),
      // A controller that thaws together with its broker would think it gone, and fence it for a while more.
      KafkaBench.start(1, { 'broker.session.timeout.ms': 600_000 }),
    ]);
  });

  afterAll(() => Promise.all([bench.stop(), patient.stop()]));

  it.each([
    ['killed', 'kill', 'restart', () => bench],
    ['frozen', 'pause', 'resume', () => patient],
  ] as const)(
    'says that it is stale while the broker is %s, and goes on without loss when it is back',
    async (_, take, giveBack, on) => {
      const cluster = on();
      const producer = cluster.producer();
      const topic = await cluster.topic(2);
      const pool = cluster.pool();
      const health = new KafkaHealth([pool]);
      const heard = new Heard();
      await pool.open(topic, heard);
      const acknowledged: string[] = [];
      let writing = true;
      const writer = (async () => {
        for (let index = 0; writing; index += 1) {
          const value = `${take} ${index}`;
          await producer.send({ topic, key: value, value }, { timeoutMs: 1_000 }).then(
            () => acknowledged.push(value),
            () => sleep(50),
          );
        }
      })();
      await until('records flow', () => heard.records.length > 20);
      expect(await health.check()).toEqual({ ok: true });

      await cluster.node[take]();
      await until('the tail is stale', () => heard.events.includes('unavailable'), 10_000);
      expect(await health.check()).toMatchObject({ ok: false });
      await cluster.node[giveBack]();
      await until('the tail is live again', () => heard.events.includes('available'));
      const before = acknowledged.length;
      await until('records flow again', () => acknowledged.length > before + 20);
      writing = false;
      await writer;

      await until('everything acknowledged was heard', () => {
        const values = new Set(heard.values);
        return acknowledged.every((value) => values.has(value));
      });
      expect(heard.events).toEqual(['unavailable', 'available']);
      expect(await health.check()).toEqual({ ok: true });
      await pool.close();
    },
  );

  it('cannot be opened while Kafka is away, in bounded time, and can once it is there', async () => {
    const topic = await bench.topic(1);
    const pool = bench.pool();
    await bench.node.kill();
    const startedAtMs = Date.now();
    await expect(pool.open(topic, new Heard())).rejects.toMatchObject({ code: 'unavailable' });
    expect(Date.now() - startedAtMs).toBeLessThan(15_000);
    expect(await pool.check()).toMatchObject({ ok: false });
    await bench.node.restart();
    await pool.open(topic, new Heard());
    expect(await pool.check()).toEqual({ ok: true });
  });
});
