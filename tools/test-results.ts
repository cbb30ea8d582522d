import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface JestResults {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numRuntimeErrorTestSuites: number;
}

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Sums the Jest result files of a folder; a suite that could not run counts as one failure. */
export function sumResults(folder: string): Totals {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(folder)) return totals;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const results = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as JestResults;
    totals.passed += results.numPassedTests;
    totals.failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
    totals.skipped += results.numPendingTests;
  }
  return totals;
}
