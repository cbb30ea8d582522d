import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundle } from '../../bundle.ts';
import { root, run } from '../../infra/cache.ts';
import type { Report } from './rounds.ts';

const folder = path.join(import.meta.dirname, '../workers');
const builds = path.join(root, 'tmp');

/** Runs `tools/bench/workers/<name>.worker.ts`, bundled as the apps are, in a process of its own for each job. */
export class Worker {
  private readonly command: string[];

  private constructor(command: string[]) {
    this.command = command;
  }

  static async build(name: string, nodeOptions: string[] = []): Promise<Worker> {
    const directory = mkdtempSync(path.join(builds, 'bench-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const file = path.join(directory, `${name}.cjs`);
    await bundle(path.join(folder, `${name}.worker.ts`), file);
    return new Worker([...nodeOptions, file]);
  }

  /** @throws Error when it fails or takes longer */
  async run(job: object, timeoutMs = 180_000): Promise<Report> {
    const { stdout } = await run(process.execPath, [...this.command, JSON.stringify(job)], { timeoutMs });
    return JSON.parse(stdout) as Report;
  }
}
