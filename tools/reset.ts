// npm run reset: removes the local state. What was downloaded stays in .local/cache.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { run } from './infra/cache.ts';
import { localDirectory, openDirectoryPath } from './infra/directories.ts';
import { dockerAnswers, images, volumeOf, type ContainerName } from './infra/docker.ts';
import { markedProcess } from './process-mark.ts';
import { stateOwner } from './start/lifetime.ts';

const owner = stateOwner() ?? serverThatRuns();
if (owner !== undefined) {
  console.error(`npm start runs (process ${owner}): end it first.`);
  process.exit(1);
}
const entries = existsSync(localDirectory) ? readdirSync(localDirectory).filter((entry) => entry !== 'cache') : [];
for (const entry of entries) rmSync(path.join(localDirectory, entry), { recursive: true, force: true });
rmSync(openDirectoryPath, { recursive: true, force: true });
if (await dockerAnswers()) {
  const volumes = (Object.keys(images) as ContainerName[]).map(volumeOf);
  await run('docker', ['volume', 'rm', '--force', ...volumes]);
}
console.log('the local state is removed');

/** One that has not ended yet after its parent was killed. */
function serverThatRuns(): number | undefined {
  const marks = path.join(localDirectory, 'run');
  const files = existsSync(marks) ? readdirSync(marks) : [];
  return files.map((file) => markedProcess(path.join(marks, file))).find((pid) => pid !== undefined);
}
