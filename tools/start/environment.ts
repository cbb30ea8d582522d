import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { root } from '../infra/cache.ts';
import { localDirectory } from '../infra/directories.ts';
import { portVariables } from './apps.ts';

const secretBytes = 32;
// Cursor keys are AES-256 keys; the others only have to be long.
const secretNames = [
  'CURSOR_KEYS',
  'MASK_KEY',
  'MOBILE_CLIENT_SECRET',
  'WEB_CLIENT_SECRET',
  'PARTNER_CLIENT_SECRET',
  'API_KEYS_PEPPER',
  'DEVICE_TOKEN_KEYS',
];

/** What every app gets. What the user's environment says comes first. */
export function appEnvironment(infra: Record<string, string>, environment = process.env): NodeJS.ProcessEnv {
  const ports = portVariables(environment);
  const url = (variable: string) => `http://127.0.0.1:${ports[variable]}`;
  return {
    ISSUER_URL: url('DEMO_ISSUER_PORT'),
    CUSTOMERS_URL: url('DEMO_CUSTOMERS_PORT'),
    ORDERS_URL: url('DEMO_ORDERS_PORT'),
    ACCOUNTS_URL: url('DEMO_ACCOUNTS_PORT'),
    CATALOG_DIR: path.join(root, 'catalog'),
    LOCAL_DIR: localDirectory,
    API_KEYS_FILE: path.join(localDirectory, 'api-keys.json'),
    ...developmentSecrets(),
    ...environment,
    ...infra,
    ...ports,
  };
}

/** Made once per clone, so that cursors and sessions survive a restart. */
function developmentSecrets(): Record<string, string | undefined> {
  const file = path.join(localDirectory, 'dev.env');
  const kept = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  const made = secretNames
    .filter((name) => !kept[name])
    .map((name) => [name, randomBytes(secretBytes).toString('base64url')] as const);
  if (made.length === 0) return kept;
  const secrets = { ...kept, ...Object.fromEntries(made) };
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}`);
  mkdirSync(localDirectory, { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return secrets;
}
