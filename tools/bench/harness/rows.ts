import type { Measured } from './rounds.ts';

/** One figure of both sides; `ratio` says how many times better ours is. */
export interface Row {
  work: string;
  ours: number;
  rival: number;
  rivalName: string;
  ratio: number;
  unit: string;
  /** Others used the machine meanwhile. */
  noisy?: true;
}

export interface Comparison {
  work: string;
  unit: string;
  /** The figure of our report, and of the rival's where it has another name there. */
  figure: string;
  rivalFigure?: string;
  ours: Measured;
  rival: Measured;
  rivalName: string;
  better: 'more' | 'less';
}

export function compare(comparison: Comparison): Row {
  const { work, unit, figure, rivalFigure = figure, rivalName, better } = comparison;
  const ours = comparison.ours.median(figure);
  const rival = comparison.rival.median(rivalFigure);
  const ratio = better === 'more' ? ours / rival : rival / ours;
  return {
    ...{ work, ours: rounded(ours), rival: rounded(rival), rivalName, ratio: rounded(ratio), unit },
    ...((comparison.ours.noisy || comparison.rival.noisy) && { noisy: true }),
  };
}

/** More than three digits would claim what no run on a shared machine gives twice. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
