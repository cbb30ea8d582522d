import type { BenchCluster } from '../harness/bench-cluster.ts';
import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';

const idleTopics = 50;

/** Following topics: what it costs while nothing happens, and how soon it hears of a record. */
export async function measureTails(cluster: BenchCluster, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('kafka-tail');
  const idle = { settleMs: 5_000, idleMs: quick ? 10_000 : 20_000, wakeUps: 0 };
  const waking = { settleMs: 2_000, idleMs: 0, wakeUps: quick ? 300 : 1_500 };
  const side = (client: 'tidegate' | 'kafkajs', topics: number, times: object) => () =>
    cluster.withTopics(topics, (names) => worker.run({ client, brokers: cluster.brokers, topics: names, ...times }));
  say('tails');
  const measured = await playRounds(
    {
      oursIdle: side('tidegate', idleTopics, idle),
      kafkajsIdle: side('kafkajs', idleTopics, idle),
      oursWaking: side('tidegate', 1, waking),
      kafkajsWaking: side('kafkajs', 1, waking),
    },
    { rounds: 3, say },
  );
  const { oursIdle, kafkajsIdle, oursWaking, kafkajsWaking } = measured;
  const awake = { better: 'less', ours: oursWaking, rival: kafkajsWaking, rivalName: 'kafkajs consumer' } as const;
  return [
    compare({
      ...{ work: `following ${idleTopics} idle topics of 6 partitions`, unit: '% of a core', figure: 'cpuPercent' },
      ...{ better: 'less', ours: oursIdle, rival: kafkajsIdle, rivalName: 'one kafkajs consumer, same wait' },
    }),
    compare({ work: 'from send to the listener', unit: 'ms, median', figure: 'p50Ms', ...awake }),
    compare({ work: 'from send to the listener', unit: 'ms, p99', figure: 'p99Ms', ...awake }),
  ];
}
