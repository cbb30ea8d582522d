import type { Benchmark, BenchmarkOptions } from './harness/benchmark.ts';
import { Measured, playRounds } from './harness/rounds.ts';
import { compare, type Row } from './harness/rows.ts';
import { Worker } from './harness/worker.ts';

export const benchmark: Benchmark = {
  about: 'what the policy costs, by catalog, by caller and by record (a minute, --quick 15 seconds)',
  run: measure,
};

const budgets = { loadSeconds: 2, filter: 1 };

async function measure({ quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('policy');
  const job = { streams: 500, grantsPerStream: 4, calls: quick ? 100_000 : 1_000_000 };
  const { policy } = await playRounds({ policy: () => worker.run(job) }, { rounds: quick ? 1 : 3, say });
  const budget = new Measured([{ report: budgets, others: 0 }]);
  const row = (work: string, unit: string, figure: string, rivalName: string, rivalFigure?: string): Row => {
    const rival = rivalFigure === undefined ? budget : policy;
    const named = { figure, rivalFigure: rivalFigure ?? figure };
    return compare({ work, unit, ...named, ours: policy, rival, rivalName, better: 'less' });
  };
  return [
    row('a catalog of 500 streams and 2,000 grants', 's', 'loadSeconds', 'the budget'),
    row('the view of a caller there', 'µs', 'viewAmongMany', 'the same in a catalog of one grant', 'viewAlone'),
    row('a condition over a row', 'µs', 'filter', 'the budget'),
    row('a row of another tenant', 'µs', 'notMine', 'reading and writing the record', 'parsed'),
    row('a row: tenant, condition, three masks', 'µs', 'masked', 'reading and writing the record', 'parsed'),
    row('a row: tenant, condition, three masks', 'µs', 'masked', 'written by hand', 'byHand'),
    row('a row: the same with a hash among the masks', 'µs', 'hashed', 'reading and writing the record', 'parsed'),
  ];
}
