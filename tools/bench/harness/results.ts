import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../../infra/cache.ts';
import type { Row } from './rows.ts';

/** Where the repository keeps the latest full run; a quick one is no replacement for it. */
export function writeResults(name: string, rows: readonly Row[], quick: boolean): string {
  const folder = quick ? 'tmp/bench/results' : 'bench/results';
  const file = path.join(folder, `${name}.json`);
  mkdirSync(path.join(root, folder), { recursive: true });
  const result = { name, at: new Date().toISOString(), machine: describeMachine(), rows };
  writeFileSync(path.join(root, file), `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

function describeMachine(): string {
  const processors = os.cpus();
  const gibibytes = Math.round(os.totalmem() / 2 ** 30);
  const model = processors[0]?.model.trim() ?? os.arch();
  return `${processors.length} × ${model}, ${gibibytes} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}`;
}
