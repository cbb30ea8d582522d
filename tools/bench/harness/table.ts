import type { Row } from './rows.ts';

export function printTable(rows: readonly Row[]): void {
  const lines = [
    ['work', 'ours', 'rival', 'ratio', 'unit', ''],
    ...rows.map(({ work, ours, rival, rivalName, ratio, unit, noisy }) => [
      ...[work, number(ours), `${number(rival)} ${rivalName}`, `${ratio}×`, unit, noisy ? 'noisy' : ''],
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines) {
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  }
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
