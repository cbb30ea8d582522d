import { OthersMeter } from './others-meter.ts';

/** Figures by name, as one run of one side found them. */
export type Report = Record<string, number>;

/** A share of the machine's processor time. */
const mostForOthers = 0.15;

/** What several runs of one side found. */
export class Measured {
  private readonly reports: readonly Report[];
  /** Whether others took more than they should in the run that is the median of that. */
  readonly noisy: boolean;

  constructor(runs: readonly { report: Report; others: number }[]) {
    this.reports = runs.map(({ report }) => report);
    this.noisy = medianOf(runs.map(({ others }) => others)) > mostForOthers;
  }

  /** @throws Error when a run did not report it */
  median(figure: string): number {
    return medianOf(
      this.reports.map((report) => {
        const value = report[figure];
        if (value === undefined || !Number.isFinite(value)) throw new Error(`a run did not report ${figure}`);
        return value;
      }),
    );
  }
}

export interface RoundOptions {
  rounds: number;
  say: (line: string) => void;
}

/** Runs every side once a round, one after another, so that a slow minute of the machine meets all of them. */
export async function playRounds<Name extends string>(
  sides: Record<Name, () => Promise<Report>>,
  { rounds, say }: RoundOptions,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(sides) as Name[];
  const runs = new Map(names.map((name) => [name, [] as { report: Report; others: number }[]]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of names) {
      const meter = new OthersMeter();
      const report = await sides[name]();
      const others = meter.share();
      runs.get(name)?.push({ report, others });
      say(`  ${round}/${rounds} ${name}: ${described(report)}${others > mostForOthers ? ' (noisy)' : ''}`);
    }
  }
  return Object.fromEntries([...runs].map(([name, found]) => [name, new Measured(found)])) as Record<Name, Measured>;
}

function described(report: Report): string {
  return Object.entries(report)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(3)).toLocaleString('en')}`)
    .join(', ');
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
