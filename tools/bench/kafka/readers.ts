import type { BenchCluster } from '../harness/bench-cluster.ts';
import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';
import { javaConsumer, javaProducer } from './java-performance.ts';
import { writeValuesFile } from './values-file.ts';

/** A topic that Java wrote, read from start to end. */
export async function measureReaders(cluster: BenchCluster, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const records = quick ? 1_000_000 : 3_000_000;
  const { brokers } = cluster;
  const worker = await Worker.build('kafka-reader');
  const measured = await cluster.withTopic(async (topic) => {
    say(`readers of ${records.toLocaleString('en')} records`);
    const settings = ['linger.ms=5', 'batch.size=131072'];
    const valuesFile = writeValuesFile();
    await javaProducer({ brokers, topic, valuesFile, records: records - 1, warmUp: 1, settings });
    await cluster.expectRecords(topic, records);
    const node = (client: 'tidegate' | 'kafkajs') => () => worker.run({ client, brokers, topic, records });
    const sides = {
      ours: node('tidegate'),
      kafkajs: node('kafkajs'),
      java: () => javaConsumer(brokers, topic, records),
    };
    return playRounds(sides, { rounds: 3, say });
  });
  const { ours, kafkajs, java } = measured;
  const work = 'reading a topic to its end, checksums checked';
  const throughput = { work, unit: 'records/s', figure: 'recordsPerSecond', better: 'more', ours } as const;
  const cost = { work, unit: 'CPU-s per million', figure: 'cpuSecondsPerMillion', better: 'less', ours } as const;
  const unchecked = 'kafkajs eachBatch, 3 partitions at once, no checksums';
  return [
    compare({ ...throughput, rival: kafkajs, rivalName: unchecked }),
    compare({ ...cost, rival: kafkajs, rivalName: unchecked }),
    compare({ ...throughput, rival: java, rivalName: 'Java ConsumerPerformance, fetch time' }),
  ];
}
