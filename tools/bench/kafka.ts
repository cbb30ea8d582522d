import { BenchCluster } from './harness/bench-cluster.ts';
import type { Benchmark, BenchmarkOptions } from './harness/benchmark.ts';
import { measureMemory } from './kafka/memory.ts';
import { measureProducers } from './kafka/producers.ts';
import { measureReaders } from './kafka/readers.ts';
import { measureTails } from './kafka/tails.ts';

export const benchmark: Benchmark = {
  about: 'the producer, reader and tail of libs/kafka against kafkajs and Java (13 minutes, --quick 5)',
  run: measure,
};

async function measure(options: BenchmarkOptions) {
  const cluster = await BenchCluster.start();
  const rows = [];
  for (const part of [measureProducers, measureReaders, measureTails, measureMemory]) {
    rows.push(...(await part(cluster, options)));
  }
  await cluster.stop();
  return rows;
}
