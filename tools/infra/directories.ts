import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './cache.ts';

const givenDirectory = process.env['LOCAL_DIR'];

/** Local state, `.local` unless LOCAL_DIR says otherwise. `npm run reset` removes it, all but the cache. */
export const localDirectory = path.resolve(root, givenDirectory || '.local');

/** Tells clones apart where they share a machine's folders and names. */
export const stateId = createHash('sha256')
  .update(givenDirectory ? localDirectory : root)
  .digest('hex')
  .slice(0, 12);

/** Where another account can read although it cannot reach the clone. */
export const openDirectoryPath = path.join('/var/tmp', `tidegate-${stateId}`);

/** Makes {@link openDirectoryPath}. @throws Error when somebody else made it: the folder above is everybody's */
export function openDirectory(): string {
  mkdirSync(openDirectoryPath, { recursive: true, mode: 0o755 });
  const found = lstatSync(openDirectoryPath);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${openDirectoryPath} belongs to somebody else; remove it.`);
  }
  chmodSync(openDirectoryPath, 0o755);
  return openDirectoryPath;
}

export interface DataDirectory {
  path: string;
  /** It goes with the servers that use it. */
  temporary: boolean;
  remove(): void;
}

/** The given directory, kept; or a new one in the system's folder for such, which `remove` takes away. */
export function dataDirectory(kept: string | undefined): DataDirectory {
  if (kept !== undefined) {
    mkdirSync(kept, { recursive: true });
    return { path: kept, temporary: false, remove: () => undefined };
  }
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tidegate-'));
  // PostgreSQL may run under another account.
  chmodSync(directory, 0o755);
  return { path: directory, temporary: true, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
