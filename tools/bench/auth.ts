import type { Benchmark, BenchmarkOptions } from './harness/benchmark.ts';
import { Measured, playRounds } from './harness/rounds.ts';
import { compare, type Row } from './harness/rows.ts';
import { Worker } from './harness/worker.ts';

export const benchmark: Benchmark = {
  about: 'what it costs to know who is calling, by credential (20 seconds, --quick 5)',
  run: measure,
};

async function measure({ quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('auth');
  const job = { callers: 1_000, calls: quick ? 20_000 : 200_000 };
  const { auth } = await playRounds({ auth: () => worker.run(job) }, { rounds: quick ? 1 : 3, say });
  const budget = new Measured([{ report: { budget: 10 }, others: 0 }]);
  const common = { ours: auth, unit: 'µs', better: 'less' } as const;
  const verified = { ...common, rival: auth, rivalFigure: 'verified', rivalName: 'jose, each time' };
  return [
    compare({
      ...common,
      work: 'a request with a known token',
      figure: 'known',
      rival: budget,
      rivalFigure: 'budget',
      rivalName: 'the budget',
    }),
    compare({ ...verified, work: 'a request with a known token', figure: 'known' }),
    compare({ ...verified, work: 'a request with an API key', figure: 'apiKey' }),
    compare({ ...verified, work: 'a request with a known token and a DPoP proof', figure: 'proof' }),
  ];
}
