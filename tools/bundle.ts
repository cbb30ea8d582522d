// The one way from TypeScript to a file that runs: for the apps, and for what a benchmark measures.
import { transform, type Options as SwcOptions } from '@swc/core';
import { build, type Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { packageOf } from './licences.ts';

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

/** Writes one CommonJS file that needs no node_modules; resolves to the files that it was made of. */
export async function bundle(entry: string, outfile: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
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
    .filter((found) => found.external === true && !isBuiltin(found.path))
    .map((found) => found.path);
  const unexpected = externals.filter((name) => !allowedExternals.has(packageOf(`node_modules/${name}`) ?? name));
  if (unexpected.length > 0) throw new Error(`not bundled and not allowed to stay outside: ${unexpected.join(', ')}`);
  return Object.keys(metafile.inputs);
}
