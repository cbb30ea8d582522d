import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';

interface StoredKey {
  id: string;
  hash: string;
  scopes: string[];
  expiresAt: string;
  revokedAt?: string;
}

interface Client {
  tenant?: string;
  roles: string[];
  keys: StoredKey[];
}

const readAndWrite = ['transactions:read', 'transactions:write'];

/** Who the clients of the demo are, and what their keys may be used for. */
const clients: Record<string, { tenant?: string; roles: string[]; scopes: string[] }> = {
  'partner-north': { tenant: 'north', roles: ['partner'], scopes: readAndWrite },
  'partner-south': { tenant: 'south', roles: ['partner'], scopes: readAndWrite },
  'internal-reporting': { roles: ['reporting'], scopes: ['transactions:read'] },
};

const maxLiveKeys = 2;
const lifetimeMs = 90 * 86_400_000;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export interface KeyStore {
  /** What the partner BFF reads: clients and the hashes of their keys. */
  file: string;
  /** What development keys are derived from, so that one can be printed again. The BFF never sees it. */
  seedFile: string;
  pepper: string;
  now?: () => number;
}

/** The client's newest key, made at the first time. @throws Error that names the clients there are */
export function currentKey(client: string, store: KeyStore): string {
  const { known, all } = read(client, store);
  const newest = live(known, store).at(-1);
  const key = newest && derive(client, known.keys.indexOf(newest) + 1, store);
  if (newest !== undefined && key?.id === newest.id) return key.text;
  // Their texts went with the seed.
  for (const lost of live(known, store)) lost.revokedAt = timestamp(store);
  return add(client, known, all, store);
}

/** A second key beside the one in use. @throws Error when there are two already */
export function rotateKey(client: string, store: KeyStore): string {
  const { known, all } = read(client, store);
  const keys = live(known, store);
  if (keys.length < maxLiveKeys) return add(client, known, all, store);
  throw new Error(`${client} has ${maxLiveKeys} live keys: revoke ${keys[0]?.id} or ${keys[1]?.id} first`);
}

/** @throws Error when the client has no such live key */
export function revokeKey(client: string, id: string, store: KeyStore): void {
  const { known, all } = read(client, store);
  const key = live(known, store).find((candidate) => candidate.id === id);
  if (key === undefined) throw new Error(`${client} has no live key ${id}`);
  key.revokedAt = timestamp(store);
  write(all, store);
}

function add(client: string, known: Client, all: Record<string, Client>, store: KeyStore): string {
  const { id, text, hash } = derive(client, known.keys.length + 1, store);
  const scopes = clients[client]?.scopes ?? [];
  known.keys.push({ id, hash, scopes, expiresAt: new Date(nowMs(store) + lifetimeMs).toISOString() });
  write(all, store);
  return text;
}

/** The format is described in libs/auth/src/api-key.ts; tools cannot import it. */
function derive(client: string, generation: number, store: KeyStore): { id: string; text: string; hash: string } {
  const bytes = createHmac('sha512', seed(store)).update(`${client}/${generation}`).digest('hex');
  const digits = base62(BigInt(`0x${bytes}`), 44);
  const id = digits.slice(0, 12);
  const signed = `tg_dev_${id}_${digits.slice(12)}`;
  const hash = createHmac('sha256', store.pepper).update(signed).digest('base64url');
  return { id, hash, text: `${signed}_${base62(BigInt(crc32(signed)), 6)}` };
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}

function seed({ seedFile }: KeyStore): string {
  if (!existsSync(seedFile)) {
    mkdirSync(path.dirname(seedFile), { recursive: true });
    writeFileSync(seedFile, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  }
  return readFileSync(seedFile, 'utf8');
}

function read(client: string, { file }: KeyStore): { known: Client; all: Record<string, Client> } {
  const traits = clients[client];
  if (traits === undefined) {
    throw new Error(`"${client}" is no client: expected one of ${Object.keys(clients).join(', ')}`);
  }
  const all = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { clients: Record<string, Client> }).clients
    : {};
  const { scopes: _, ...rest } = traits;
  const known = (all[client] = { ...rest, keys: all[client]?.keys ?? [] });
  return { known, all };
}

/** Swapped in as a whole, so that nobody reads half a file. */
function write(all: Record<string, Client>, { file }: KeyStore): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ clients: all }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

function live({ keys }: Client, store: KeyStore): StoredKey[] {
  return keys.filter(({ expiresAt, revokedAt }) => revokedAt === undefined && Date.parse(expiresAt) > nowMs(store));
}

function timestamp(store: KeyStore): string {
  return new Date(nowMs(store)).toISOString();
}

function nowMs({ now = Date.now }: KeyStore): number {
  return now();
}
