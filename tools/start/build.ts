import path from 'node:path';
import { root } from '../infra/cache.ts';
import { localDirectory } from '../infra/directories.ts';
import { startServer } from '../supervisor.ts';
import { apps } from './apps.ts';

const programs = path.join(root, 'node_modules/.bin');

/** Bundles the apps that changed. @throws Error with what the build printed */
export async function buildApps(): Promise<void> {
  const build = await startServer({
    name: 'the build',
    command: path.join(programs, 'nx'),
    args: ['run-many', '-t', 'build', '-p', apps.map(({ name }) => name).join(','), '--outputStyle=static'],
    cwd: root,
    env: {
      // Not what an outer Nx tells its tasks: the integration tests start us from one.
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NX_'))),
      // The targets say `node`, which is the pinned one only when this comes first.
      PATH: `${programs}${path.delimiter}${process.env['PATH'] ?? ''}`,
      NX_DAEMON: 'false',
      NX_INTERACTIVE: 'false',
      NX_NO_CLOUD: 'true',
    },
    logFile: path.join(localDirectory, 'logs/build.log'),
    graceMs: 2000,
  });
  const { code } = await build.exited;
  if (code !== 0) throw new Error(`the build failed:\n${build.lastLines(6000)}`);
}
