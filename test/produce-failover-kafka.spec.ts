import type { RangeReader } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBench, until } from './support/kafka-bench';
import { noContradictions, ProduceLedger } from './support/produce-ledger';
import { ProduceLoad } from './support/produce-load';

jest.setTimeout(120_000);

describe('producing to three brokers', () => {
  let bench: KafkaBench;
  let reader: RangeReader;
  let topics: string[];
  let ledger: ProduceLedger;

  beforeAll(async () => {
    bench = await KafkaBench.start(3);
    reader = bench.reader();
  });

  afterAll(() => bench.stop());

  beforeEach(async () => {
    topics = [await bench.topic(6), await bench.topic(3), await bench.topic(1)];
    ledger = new ProduceLedger(bench);
  });

  const leads = async (node: number): Promise<boolean> => {
    const { topics: found } = await bench.admin.fetchTopicMetadata({ topics });
    return found.some(({ partitions }) => partitions.some(({ leader }) => leader === node + 1));
  };

  const acknowledgesMore = async (count = 300): Promise<void> => {
    const before = ledger.count('acked');
    await until(`${count} more acknowledged records`, () => ledger.count('acked') > before + count, 40_000);
  };

  it('loses, repeats and reorders nothing when leaders are killed', async () => {
    const load = bench.closed(new ProduceLoad(bench.producer(), ledger, { topics, callers: 60, timeoutMs: 30_000 }));
    await acknowledgesMore();
    for (const node of [0, 1]) {
      await bench.cluster.nodes[node]?.kill();
      await until('others lead', async () => !(await leads(node).catch(() => true)));
      await acknowledgesMore();
      await bench.cluster.nodes[node]?.restart();
      await acknowledgesMore();
    }
    await load.close();
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.count('acked')).toBe(ledger.sent.length);
  });

  it('says by the deadline what is known while a broker is frozen, and writes nothing behind its back', async () => {
    const producer = bench.producer();
    const [impatient, patient] = [4_000, 60_000].map((timeoutMs) =>
      bench.closed(new ProduceLoad(producer, ledger, { topics, callers: 30, timeoutMs })),
    );
    await acknowledgesMore();
    await bench.cluster.nodes[2]?.pause();
    // Longer than sessions, requests and the default deadline of a record last.
    await sleep(20_000);
    await bench.cluster.nodes[2]?.resume();
    await acknowledgesMore();
    await impatient?.close();
    await patient?.close();
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.worstDelayMs).toBeLessThan(1_500);
    expect(ledger.count('unknown')).toBeGreaterThan(0);
    expect(ledger.sent.filter(({ timeoutMs, outcome }) => timeoutMs > 4_000 && outcome !== 'acked')).toEqual([]);
  });
});
