import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sumResults } from './test-results.ts';

const results = (overrides: object): string =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numRuntimeErrorTestSuites: 0,
    ...overrides,
  });

describe('sumResults()', () => {
  it('adds the projects up and counts a suite that could not run as a failure', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'results-'));
    writeFileSync(path.join(folder, 'a.json'), results({}));
    writeFileSync(path.join(folder, 'b.json'), results({ numFailedTests: 1, numRuntimeErrorTestSuites: 1 }));
    writeFileSync(path.join(folder, 'notes.txt'), 'not a result');
    expect(sumResults(folder)).toEqual({ passed: 6, failed: 2, skipped: 0 });
  });

  it('is zero without results, so that a run that tested nothing is no success', () => {
    expect(sumResults('/nonexistent')).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
