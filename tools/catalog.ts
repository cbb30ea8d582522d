// npm run catalog:check [-- <directory>], npm run catalog:diff -- <old directory> <new directory>
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundle } from './bundle.ts';

const root = path.resolve(import.meta.dirname, '..');
const usage = 'npm run catalog:check [-- <directory>], or npm run catalog:diff -- <old directory> <new directory>';

function readArguments(): string[] {
  const [command, ...directories] = process.argv.slice(2);
  if (command === 'diff' && directories.length === 2) return [command, ...directories];
  if (command !== 'check' || directories.length > 1) throw new Error(usage);
  if (directories.length === 1) return [command, ...directories];
  // Ours: with what the teams of the apps decide.
  return [command, 'catalog', ...globSync('apps/*/catalog/limits.yaml', { cwd: root }).sort()];
}

async function main(): Promise<number> {
  const given = readArguments();
  mkdirSync(path.join(root, 'tmp'), { recursive: true });
  const folder = mkdtempSync(path.join(root, 'tmp/catalog-'));
  try {
    const file = path.join(folder, 'catalog.cjs');
    await bundle(path.join(import.meta.dirname, 'catalog/catalog.main.ts'), file);
    return spawnSync(process.execPath, [file, ...given], { cwd: root, stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
