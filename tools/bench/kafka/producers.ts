import type { BenchCluster } from '../harness/bench-cluster.ts';
import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds, type Measured, type Report } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';
import { javaProducer } from './java-performance.ts';
import { writeValuesFile } from './values-file.ts';

interface Load {
  work: string;
  callers: number;
  batch: number;
  /** How long kafkajs gathers at most what callers send; its batches and its single caller wait for nothing. */
  gatherMs: number;
}

const many: Load[] = [
  { work: '512 callers, one record each', callers: 512, batch: 1, gatherMs: 3 },
  { work: 'batches of 100, 4 in flight', callers: 4, batch: 100, gatherMs: 0 },
  { work: 'batches of 500, 4 in flight', callers: 4, batch: 500, gatherMs: 0 },
];
const more: Load[] = [
  { work: '64 callers, one record each', callers: 64, batch: 1, gatherMs: 3 },
  { work: '2,000 callers, one record each', callers: 2_000, batch: 1, gatherMs: 3 },
];
const single: Load = { work: 'one caller, one record at a time', callers: 1, batch: 1, gatherMs: 0 };

const javas = [
  { name: 'Java', settings: [] },
  { name: 'Java, linger 5 ms, batch 128 KiB', settings: ['linger.ms=5', 'batch.size=131072'] },
];
const gathering = 'kafkajs behind a micro-batcher (up to 3 ms)';

/** Records a second that are acknowledged by all replicas, and what they cost. */
export async function measureProducers(cluster: BenchCluster, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const valuesFile = writeValuesFile();
  const worker = await Worker.build('kafka-producer');
  const times = quick ? { warmUpMs: 1_000, measureMs: 2_000 } : { warmUpMs: 2_000, measureMs: 5_000 };
  const records = quick ? { warmUp: 200_000, records: 600_000 } : { warmUp: 500_000, records: 2_000_000 };

  /** In a topic of its own, which must hold what was acknowledged. */
  const checked = (run: (topic: string) => Promise<Report>) => () =>
    cluster.withTopic(async (topic) => {
      const report = await run(topic);
      await cluster.expectRecords(topic, report['acked'] ?? NaN);
      return report;
    });
  const node = (client: 'tidegate' | 'kafkajs', { work: _, ...load }: Load) =>
    checked((topic) => worker.run({ client, brokers: cluster.brokers, topic, valuesFile, ...load, ...times }));
  const java = (settings: string[]) =>
    checked((topic) => javaProducer({ brokers: cluster.brokers, topic, valuesFile, settings, ...records }));

  say('producers');
  const loads = [...many, ...more, single];
  const sides = Object.fromEntries([
    ...loads.flatMap((load) => [
      [`ours: ${load.work}`, node('tidegate', load)],
      [`kafkajs: ${load.work}`, node('kafkajs', load)],
    ]),
    ...javas.map(({ name, settings }) => [name, java(settings)]),
  ]) as Record<string, () => Promise<Report>>;
  return producerRows(await playRounds(sides, { rounds: 3, say }));
}

function producerRows(measured: Record<string, Measured>): Row[] {
  const side = (name: string): Measured => {
    const found = measured[name];
    if (!found) throw new Error(`${name} was not measured`);
    return found;
  };
  const throughput = { unit: 'records/s', figure: 'recordsPerSecond', better: 'more' } as const;
  const cost = { unit: 'CPU-s per million', figure: 'cpuSecondsPerMillion', better: 'less' } as const;
  const against = ({ work, gatherMs }: Load) => ({
    ...{ ours: side(`ours: ${work}`), rival: side(`kafkajs: ${work}`) },
    rivalName: gatherMs > 0 ? gathering : 'kafkajs',
  });
  return [
    ...[...many, ...more].flatMap((load) => [
      compare({ work: load.work, ...throughput, ...against(load) }),
      compare({ work: load.work, ...cost, ...against(load) }),
    ]),
    ...many.flatMap(({ work }) =>
      javas.map(({ name }) =>
        compare({ work, ...throughput, ours: side(`ours: ${work}`), rival: side(name), rivalName: name }),
      ),
    ),
    compare({ work: single.work, ...throughput, ...against(single) }),
    compare({ work: single.work, unit: 'ms, median', figure: 'p50Ms', better: 'less', ...against(single) }),
    compare({ work: single.work, unit: 'ms, p99', figure: 'p99Ms', better: 'less', ...against(single) }),
    ...many
      .slice(0, 1)
      .map((load) => compare({ work: load.work, unit: 'ms, p99', figure: 'p99Ms', better: 'less', ...against(load) })),
  ];
}
