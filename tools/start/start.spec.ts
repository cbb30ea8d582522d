import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { markedProcess, markProcess, untilMarkedEnds } from '../process-mark';
import { apps, portOf, portVariables } from './apps';
import { followLog, notable } from './log-follower';

describe('the table of apps', () => {
  const doors = apps.flatMap((app) => [...app.doors, app.ops]);

  it('gives every door a variable and a port of its own', () => {
    expect(new Set(doors.map(({ variable }) => variable)).size).toBe(doors.length);
    expect(new Set(doors.map(({ port }) => port)).size).toBe(doors.length);
  });

  it('names variables after the app', () => {
    for (const app of apps) {
      for (const { variable } of [...app.doors, app.ops])
        expect(variable.startsWith(app.name.toUpperCase())).toBe(true);
    }
  });

  it("lets the user's environment move a door", () => {
    expect(portVariables({ MOBILE_PORT: '18081' })).toMatchObject({ MOBILE_PORT: '18081', MOBILE_OPS_PORT: '9081' });
  });

  it.each(['0', '65536', 'x', '80.5'])('refuses %s as a port by the name of its variable', (port) => {
    const [door] = apps[0]?.doors ?? [];
    expect(() => portOf(door as (typeof doors)[number], { DEMO_ISSUER_PORT: port })).toThrow(
      /^DEMO_ISSUER_PORT is no port/,
    );
  });
});

describe('notable()', () => {
  it.each([
    ['{"level":"warn","msg":"slow"}', 'warn slow'],
    ['{"level":"error","msg":"lost","err":{"message":"no route"}}', 'error lost: no route'],
    ['{"level":"fatal","msg":"lost","err":{"message":"lost"}}', 'fatal lost'],
    ['TypeError: x is not a function', 'TypeError: x is not a function'],
    ['[1]', undefined],
    ['{"level":"info","msg":"ready"}', undefined],
    ['', undefined],
  ])('makes of %s %s', (line, shown) => {
    expect(notable(line)).toBe(shown);
  });
});

describe('files of a start', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'tidegate-files-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('shows lines once they are whole', () => {
    const file = path.join(directory, 'app.log');
    const shown: string[] = [];
    writeFileSync(file, '');
    const stop = followLog(file, (line) => shown.push(line));
    writeFileSync(file, '{"level":"warn","msg":"one"}\n{"level":"info","msg":"two"}\n{"level":"warn","ms');
    stop();
    expect(shown).toEqual(['warn one']);
  });

  it('knows a marked process while it runs', async () => {
    const file = path.join(directory, 'mark');
    markProcess(file, process.pid);
    expect(markedProcess(file)).toBe(process.pid);
    await expect(untilMarkedEnds(file, 0)).rejects.toThrow(`process ${process.pid} still runs from before`);
  });

  it.each([
    ['a later process with the same id', JSON.stringify({ pid: process.pid, startedAt: 'long ago' })],
    ['a process that ended', JSON.stringify({ pid: 4_000_000, startedAt: '1' })],
    ['a file that was cut off', '{"pid":'],
  ])('does not take %s for the marked one', async (_, content) => {
    const file = path.join(directory, 'mark');
    writeFileSync(file, content);
    expect(markedProcess(file)).toBeUndefined();
    await expect(untilMarkedEnds(file, 0)).resolves.toBeUndefined();
  });
});
