// npm test: format, unused code, licences, lint, typecheck, build, unit tests, then the tests that run real servers.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { sumResults } from './test-results.ts';

const root = path.resolve(import.meta.dirname, '..');
const resultsFolder = path.join(root, 'tmp/jest-results');
const bin = (name: string): string => path.join(root, 'node_modules/.bin', name);
const env = {
  ...process.env,
  PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
  NX_DAEMON: 'false',
  NX_INTERACTIVE: 'false',
  NX_NO_CLOUD: 'true',
};

const steps: [name: string, command: string, ...args: string[]][] = [
  ['format', bin('prettier'), '--check', '--log-level=warn', '--cache', '--cache-location=tmp/prettier-cache', '.'],
  ['unused', bin('knip'), '--no-progress'],
  ['licences', process.execPath, 'tools/check-licences.ts'],
  [
    'checks',
    bin('nx'),
    'run-many',
    '-t',
    'lint',
    'typecheck',
    'build',
    'test',
    '--nxBail=false',
    '--outputStyle=static',
  ],
  ['integration', bin('nx'), 'run-many', '-t', 'integration', '--outputStyle=static'],
];

rmSync(resultsFolder, { recursive: true, force: true });
const failedSteps = steps.filter(([name, command, ...args]) => {
  const startedAt = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`[${name}] ${status === 0 ? 'ok' : 'FAILED'} in ${seconds} s`);
  return status !== 0;
});

const { passed, failed, skipped } = sumResults(resultsFolder);
for (const [name] of failedSteps) console.error(`step failed: ${name}`);
// A step that failed without a failing test (lint, build …) counts as one, so that the line never reads as green.
const failures = Math.max(failed, failedSteps.length);
console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failures === 0 && passed > 0 ? 0 : 1;
