import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { localDirectory } from '../infra/directories.ts';

/** The keys of device tokens: the user's, else those that `npm start` made. */
export function developmentKeys(environment = process.env): string | undefined {
  const file = path.join(localDirectory, 'dev.env');
  const made = existsSync(file) ? parseEnv(readFileSync(file, 'utf8'))['DEVICE_TOKEN_KEYS'] : undefined;
  return environment['DEVICE_TOKEN_KEYS'] ?? made;
}
