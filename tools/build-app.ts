// node tools/build-app.ts apps/mobile → dist/apps/mobile/main.cjs: one file that needs no node_modules.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle } from './bundle.ts';
import { readPackage, thirdPartyNotices } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');

async function buildApp(app: string): Promise<void> {
  // Built aside and swapped in, so that whoever starts the app meanwhile finds a whole one.
  const outdir = path.join(root, 'tmp/build', `${app}-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const inputs = await bundle(path.join(root, app, 'src/main.ts'), path.join(outdir, 'main.cjs'));

  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  const packages = [...folders].map((folder) => readPackage(path.join(root, folder)));
  writeFileSync(path.join(outdir, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(packages));

  const data = path.join(root, app, 'data');
  if (existsSync(data)) cpSync(data, path.join(outdir, 'data'), { recursive: true });
  const target = path.join(root, 'dist', app);
  const megabytes = readFileSync(path.join(outdir, 'main.cjs')).length / 1e6;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(path.dirname(target), { recursive: true });
  renameSync(outdir, target);
  console.log(`${app}: ${megabytes.toFixed(1)} MB, ${packages.length} packages`);
}

function packageFolder(input: string): string | undefined {
  return /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

const app = process.argv[2];
if (app === undefined) throw new Error('name the app: node tools/build-app.ts apps/mobile');
await buildApp(app.replace(/\/$/, ''));
