// node tools/build-app.ts apps/mobile → dist/apps/mobile/main.cjs: one file that needs no node_modules.
import { transform, type Options as SwcOptions } from '@swc/core';
import { build, type Plugin } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { packageOf, readPackage, thirdPartyNotices } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');
const swcOptions = JSON.parse(readFileSync(path.join(root, 'swc.config.json'), 'utf8')) as SwcOptions;

/** Optional peers that are not installed; whatever else stays outside a bundle is a mistake. */
const allowedExternals = new Set([
  '@fastify/multipart',
  '@fastify/static',
  '@fastify/view',
  '@grpc/grpc-js',
  '@nats-io/transport-node',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'amqplib',
  'bufferutil',
  'class-transformer',
  'class-validator',
  'mqtt',
  'pg-native',
  'ts-morph',
  'utf-8-validate',
]);

// esbuild alone drops decorator metadata: apps would boot and answer 500.
const swcDecorators: Plugin = {
  name: 'swc-decorators',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path: filename }) => {
      const { code } = await transform(await readFile(filename, 'utf8'), {
        ...swcOptions,
        filename,
        configFile: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
      });
      return { contents: code, loader: 'js' };
    });
  },
};

// Nest 12 loads its drivers with createRequire(import.meta.url)('x'), which esbuild does not follow (evanw/esbuild#1828).
const nestCreateRequire: Plugin = {
  name: 'nest-create-require',
  setup(bundle) {
    bundle.onLoad({ filter: /node_modules[\\/]@nestjs[\\/].+\.js$/ }, async ({ path: filename }) => {
      const source = await readFile(filename, 'utf8');
      if (!source.includes('createRequire(import.meta.url)')) return undefined;
      const declaration = /^(?:const|let|var) (\w+) = createRequire\(import\.meta\.url\);$/gm;
      const names = [...source.matchAll(declaration)]
        .map((match) => match[1] ?? '')
        .filter((name) => name !== 'require');
      let contents = source.replace(declaration, '').replaceAll('createRequire(import.meta.url)(', 'require(');
      for (const name of names) contents = contents.replace(new RegExp(`\\b${name}(?=\\(|\\.)`, 'g'), 'require');
      return { contents, loader: 'js' };
    });
  },
};

const missingPackagesStayOutside: Plugin = {
  name: 'missing-packages-stay-outside',
  setup(bundle) {
    const resolving = Symbol('resolving');
    bundle.onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, resolveDir, importer, pluginData }) => {
      if (pluginData === resolving || kind === 'entry-point' || isBuiltin(name)) return undefined;
      const resolved = await bundle.resolve(name, { kind, resolveDir, importer, pluginData: resolving });
      return resolved.errors.length > 0 ? { path: name, external: true } : resolved;
    });
  },
};

async function buildApp(app: string): Promise<void> {
  // Built aside and swapped in, so that whoever starts the app meanwhile finds a whole one.
  const outdir = path.join(root, 'tmp/build', `${app}-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const { metafile } = await build({
    entryPoints: [path.join(root, app, 'src/main.ts')],
    outfile: path.join(outdir, 'main.cjs'),
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    tsconfig: path.join(root, 'tsconfig.base.json'),
    plugins: [swcDecorators, nestCreateRequire, missingPackagesStayOutside],
    sourcemap: 'linked',
    keepNames: true,
    metafile: true,
    legalComments: 'none',
    logLevel: 'error',
    // ES modules inside the CommonJS bundle still see import.meta.url.
    define: { 'import.meta.url': '__importMetaUrl' },
    banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  });

  const externals = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    .filter((entry) => entry.external === true && !isBuiltin(entry.path))
    .map((entry) => entry.path);
  const unexpected = externals.filter((name) => !allowedExternals.has(packageOf(`node_modules/${name}`) ?? name));
  if (unexpected.length > 0) throw new Error(`not bundled and not allowed to stay outside: ${unexpected.join(', ')}`);

  const folders = new Set(Object.keys(metafile.inputs).flatMap((input) => packageFolder(input) ?? []));
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
