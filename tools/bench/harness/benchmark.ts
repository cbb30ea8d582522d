import type { Row } from './rows.ts';

export interface BenchmarkOptions {
  /** Shorter, for trying out a change: its figures mean less. */
  quick: boolean;
  say: (line: string) => void;
}

/** What a `tools/bench/<name>.ts` exports as `benchmark`. */
export interface Benchmark {
  /** One line for the list of names. */
  about: string;
  run(options: BenchmarkOptions): Promise<Row[]>;
}
