import type { BenchCluster } from '../harness/bench-cluster.ts';
import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds, type Report } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';
import { writeValuesFile } from './values-file.ts';

const timeoutMs = 400_000;

/** Whether a process grows with what has passed through it. */
export async function measureMemory(cluster: BenchCluster, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('kafka-memory', ['--expose-gc']);
  const counts = quick
    ? { records: 2_000_000, earlyRecords: 400_000 }
    : { records: 10_000_000, earlyRecords: 1_000_000 };
  const job = { brokers: cluster.brokers, valuesFile: writeValuesFile(), callers: 512, ...counts };
  say(`memory over ${counts.records.toLocaleString('en')} records`);
  const bothRoles = () =>
    cluster.withTopic(async (topic) => {
      const producer = await worker.run({ ...job, topic, role: 'producer' }, timeoutMs);
      await cluster.expectRecords(topic, producer['done'] ?? NaN);
      const reader = await worker.run({ ...job, topic, role: 'reader' }, timeoutMs);
      if (reader['done'] !== producer['done']) throw new Error(`${reader['done']} of ${producer['done']} were read`);
      return { ...named('producer', producer), ...named('reader', reader) };
    });
  const { ours } = await playRounds({ ours: bothRoles }, { rounds: 3, say });
  const [all, early] = [counts.records, counts.earlyRecords].map((count) => `${count / 1e6} M`);
  const row = (role: string, what: string, figure: string) =>
    compare({
      ...{ work: `${what} of the ${role} after ${all} records`, unit: 'MiB', better: 'less', ours, rival: ours },
      ...{ figure: `${role}Late${figure}`, rivalFigure: `${role}Early${figure}`, rivalName: `itself after ${early}` },
    });
  return ['producer', 'reader'].flatMap((role) => [
    row(role, 'resident memory', 'Resident'),
    row(role, 'live heap', 'Heap'),
  ]);
}

function named(role: string, report: Report): Report {
  const { earlyResident = NaN, lateResident = NaN, earlyHeap = NaN, lateHeap = NaN } = report;
  return {
    ...{ [`${role}EarlyResident`]: earlyResident, [`${role}LateResident`]: lateResident },
    ...{ [`${role}EarlyHeap`]: earlyHeap, [`${role}LateHeap`]: lateHeap },
  };
}
