import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { currentKey, revokeKey, rotateKey, type KeyStore } from './api-keys.ts';

interface Stored {
  clients: Record<string, { tenant?: string; roles: string[]; keys: { id: string; revokedAt?: string }[] }>;
}

describe('keys for development', () => {
  let directory: string;
  let store: KeyStore;
  let nowMs: number;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'tidegate-keys-'));
    nowMs = Date.now();
    const [file, seedFile] = [path.join(directory, 'api-keys.json'), path.join(directory, 'seed')];
    store = { file, seedFile, pepper: 'p'.repeat(32), now: () => nowMs };
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const stored = (): Stored => JSON.parse(readFileSync(store.file, 'utf8')) as Stored;
  const idOf = (key: string): string => key.split('_')[2] ?? '';
  const live = (client: string) => stored().clients[client]?.keys.filter(({ revokedAt }) => revokedAt === undefined);

  it('are the same each time, different for each client, and not in the file', () => {
    const north = currentKey('partner-north', store);
    const south = currentKey('partner-south', store);
    expect(north).toMatch(/^tg_dev_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/);
    expect(currentKey('partner-north', store)).toBe(north);
    expect(south).not.toBe(north);
    expect(readFileSync(store.file, 'utf8')).not.toContain(north.split('_')[3]);
    expect(stored().clients['partner-north']).toMatchObject({ tenant: 'north', roles: ['partner'] });
    expect(stored().clients['partner-south']).toMatchObject({ tenant: 'south' });
  });

  it('are two at most while one replaces the other', () => {
    const first = currentKey('partner-north', store);
    const second = rotateKey('partner-north', store);
    expect(currentKey('partner-north', store)).toBe(second);
    expect(() => rotateKey('partner-north', store)).toThrow(`revoke ${idOf(first)} or ${idOf(second)} first`);
    revokeKey('partner-north', idOf(first), store);
    expect(live('partner-north')).toHaveLength(1);
    expect(idOf(rotateKey('partner-north', store))).not.toBe(idOf(first));
  });

  it('are new ones after the last was revoked or has ended', () => {
    const first = currentKey('internal-reporting', store);
    revokeKey('internal-reporting', idOf(first), store);
    expect(() => revokeKey('internal-reporting', idOf(first), store)).toThrow('no live key');
    const second = currentKey('internal-reporting', store);
    expect(second).not.toBe(first);
    nowMs += 91 * 86_400_000;
    expect(currentKey('internal-reporting', store)).not.toBe(second);
  });

  it('are new ones when what they were made from is lost; the old ones end', () => {
    const first = currentKey('partner-north', store);
    rmSync(store.seedFile);
    expect(currentKey('partner-north', store)).not.toBe(first);
    expect(live('partner-north')).toHaveLength(1);
  });

  it('are of known clients only', () => {
    expect(() => currentKey('partner-east', store)).toThrow('expected one of partner-north, partner-south');
  });
});
