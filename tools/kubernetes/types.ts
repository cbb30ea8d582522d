import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from './manifest.ts';

const root = path.resolve(import.meta.dirname, '../..');

const compilerOptions = {
  ...{ noEmit: true, strict: true, skipLibCheck: true, types: [] },
  ...{ target: 'es2023', module: 'preserve', moduleResolution: 'bundler' },
};

/** Problems of values, as the schemas of Kubernetes see them: types, formats, what is missing. Unknown fields are not among them. */
export function schemaProblems(manifests: readonly Manifest[]): string[] {
  const script = path.join(import.meta.dirname, 'validate.mjs');
  const output = execFileSync(process.execPath, [script], { input: JSON.stringify(manifests), encoding: 'utf8' });
  return JSON.parse(output) as string[];
}

/** Problems of fields, as the compiler sees them: an object literal may have no field that its type does not. */
export function fieldProblems(manifests: readonly Manifest[]): string[] {
  const directory = path.join(root, 'tmp', `kubernetes-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  try {
    writeFileSync(path.join(directory, 'check.ts'), manifests.map(typed).join('\n'));
    writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['check.ts'] }));
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', directory, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    return stdout.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function typed(manifest: Manifest, index: number): string {
  const { apiVersion, kind } = manifest;
  return `import type { I${kind} as Type${index} } from 'kubernetes-models/${apiVersion}';
export const manifest${index}: Type${index} = ${JSON.stringify(manifest)};`;
}
