import type { Producer } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBench, readAll, valueOf } from './support/kafka-bench';

const callers = 40;

describe('producing to three brokers', () => {
  let bench: KafkaBench;

  beforeAll(async () => {
    bench = await KafkaBench.start(3);
  });

  afterAll(() => bench.stop());

  /** Keyed and keyless records from many callers until told to stop; gives what was acknowledged. */
  function load(producer: Producer, topic: string): { acknowledged: string[]; stop(): Promise<unknown> } {
    const acknowledged: string[] = [];
    let running = true;
    const caller = async (id: number): Promise<void> => {
      for (let index = 0; running; index += 1) {
        const value = `${id}/${index}`;
        const key = id % 2 === 0 ? `caller ${id}` : null;
        await producer.send({ topic, key, value }, { timeoutMs: 20_000 }).then(
          () => acknowledged.push(value),
          () => undefined,
        );
        await sleep(2);
      }
    };
    const all = Promise.all(Array.from({ length: callers }, (_, id) => caller(id)));
    const stop = (): Promise<unknown> => {
      running = false;
      return all;
    };
    return { acknowledged, stop };
  }

  it('loses no acknowledged record when a leader is killed, and keeps the order of each key', async () => {
    const topic = await bench.topic(6, { 'min.insync.replicas': '2' });
    const { acknowledged, stop } = load(bench.producer(), topic);
    await sleep(2_000);
    await bench.cluster.nodes[1]?.kill();
    const atKill = acknowledged.length;
    await sleep(14_000);
    await bench.cluster.nodes[1]?.restart();
    await sleep(2_000);
    await stop();
    expect(acknowledged.length).toBeGreaterThan(atKill + callers);

    const records = await readAll(bench.reader(), topic);
    const values = new Set(records.map(valueOf));
    expect(acknowledged.filter((value) => !values.has(value))).toEqual([]);
    const last = new Map<string, number>();
    for (const record of records.filter(({ key }) => key !== null)) {
      const [caller = '', index] = valueOf(record).split('/');
      // A repeated try may write a record twice, but never after a later one of its caller was acknowledged.
      expect(Number(index)).toBeGreaterThanOrEqual(last.get(caller) ?? 0);
      last.set(caller, Number(index));
    }
  });
});
