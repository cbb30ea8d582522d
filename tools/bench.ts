// npm run bench -- <name>|all [--quick]: measures our side and its rivals in one run and writes bench/results/<name>.json.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark } from './bench/harness/benchmark.ts';
import { writeResults } from './bench/harness/results.ts';
import { printTable } from './bench/harness/table.ts';
import { onEnd } from './start/lifetime.ts';
import { endServers } from './supervisor.ts';

const folder = path.join(import.meta.dirname, 'bench');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const usage = `npm run bench -- <name> [--quick], with a name of: ${names.join(', ')}; or all`;

function readArguments(): { chosen: string[]; quick: boolean } {
  const options = { quick: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const chosen = positionals.includes('all') ? names : positionals;
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}: ${usage}`);
  return { chosen, quick: values.quick };
}

async function load(name: string): Promise<Benchmark> {
  const { benchmark } = (await import(path.join(folder, `${name}.ts`))) as { benchmark: Benchmark };
  return benchmark;
}

async function measure(name: string, quick: boolean): Promise<void> {
  const benchmark = await load(name);
  console.log(`${name}: ${benchmark.about}`);
  const rows = await benchmark.run({ quick, say: (line) => console.log(line) });
  printTable(rows);
  console.log(`written: ${writeResults(name, rows, quick)}`);
}

async function end(code: number): Promise<void> {
  await endServers('kill');
  process.exit(code);
}

async function main(): Promise<void> {
  const { chosen, quick } = readArguments();
  if (chosen.length === 0) {
    console.log(usage);
    for (const name of names) console.log(`  ${name}: ${(await load(name)).about}`);
  }
  for (const name of chosen) await measure(name, quick);
}

onEnd(() => void end(130));
main().then(
  () => end(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    return end(1);
  },
);
