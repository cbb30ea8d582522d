// npm run --silent api-key -- <client> [--rotate | --revoke <key id>]
import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { currentKey, revokeKey, rotateKey, type KeyStore } from './api-keys.ts';
import { localDirectory } from './infra/directories.ts';
import { appEnvironment } from './start/environment.ts';

/** Apps read the file once a second: whoever gets a key from us finds it known. */
const readWithinMs = 1_500;

try {
  const [client = '', option, id = ''] = process.argv.slice(2);
  if (option === undefined) console.log(currentKey(client, keyStore()));
  else if (option === '--rotate') console.log(rotateKey(client, keyStore()));
  else if (option === '--revoke') revokeKey(client, id, keyStore());
  else throw new Error(`unknown option ${option}: expected --rotate or --revoke <key id>`);
  await delay(Math.max(0, statSync(keyStore().file).mtimeMs + readWithinMs - Date.now()));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

function keyStore(): KeyStore {
  const { API_KEYS_FILE: file = '', API_KEYS_PEPPER: pepper = '', API_KEYS_SEED_FILE: seedFile } = appEnvironment({});
  return { file, pepper, seedFile: seedFile ?? path.join(localDirectory, 'api-key-seed') };
}
