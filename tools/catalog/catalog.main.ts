// What tools/catalog.ts runs: check <directory> <files of limits …>, or diff <old> <new>.
import { loadCatalog } from '@tidegate/catalog';
import { checkCatalog, checkLimits, refusalsOf } from './check';
import { describeDifference } from './diff';

const [command, first = '', ...others] = process.argv.slice(2);
if (command === 'check') check();
else diff();

function check(): void {
  const lines = [...checkCatalog(first), ...others.flatMap(checkLimits)];
  if (lines.length > 0) fail(lines);
  else console.log(`${[first, ...others].join(', ')}: nothing to mend`);
}

function diff(): void {
  const [second = ''] = others;
  const refusals = [first, second].flatMap(refusalsOf);
  if (refusals.length > 0) fail(refusals);
  else for (const line of describeDifference(loadCatalog(first), loadCatalog(second))) console.log(line);
}

function fail(lines: readonly string[]): void {
  for (const line of lines) console.error(line);
  process.exitCode = 1;
}
