import { AppError } from '@tidegate/errors';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { generateApiKey, hashApiKey, parseApiKey } from './api-key';
import { ApiKeys, type ApiKeysOptions } from './api-keys';

const pepper = 'a pepper of thirty-two characters';
const laterMs = 3_600_000;

interface Stored {
  id: string;
  hash: string;
  scopes: string[];
  expiresAt: string;
  revokedAt?: string;
}

function stored(key: string, traits: Partial<Stored> = {}): Stored {
  const parsed = parseApiKey(key);
  if (parsed === undefined) throw new Error('no key');
  const hash = hashApiKey(parsed, pepper).toString('base64url');
  const expiresAt = new Date(Date.now() + laterMs).toISOString();
  return { id: parsed.id, hash, scopes: ['transactions:read'], expiresAt, ...traits };
}

/** A key of the same id with another secret, and a checksum that fits. */
function withChecksum(key: string, change: (secret: string) => string): string {
  const [tg, environment, id, secret = ''] = key.split('_');
  const start = [tg, environment, id, change(secret)].join('_');
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = crc32(start);
  let checksum = '';
  while (checksum.length < 6) {
    checksum = (alphabet[rest % 62] ?? '') + checksum;
    rest = Math.floor(rest / 62);
  }
  return `${start}_${checksum}`;
}

describe(ApiKeys.name, () => {
  let directory: string;
  let file: string;
  let lines: string[];
  let nowMs: number;
  let keys: ApiKeys;
  const key = generateApiKey('test');

  const write = (content: unknown): void => {
    writeFileSync(`${file}.draft`, typeof content === 'string' ? content : JSON.stringify(content));
    renameSync(`${file}.draft`, file);
  };
  const clientWith = (...list: Stored[]): object => ({
    clients: { 'partner-north': { tenant: 'north', roles: ['partner'], keys: list } },
  });
  const open = (options: Partial<ApiKeysOptions> = {}): ApiKeys => {
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ service: 'test', level: 'trace', destination });
    const given = { file, pepper, environment: 'test', ...options };
    return (keys = new ApiKeys(given, { logger, registry: createRegistry(), now: () => nowMs }));
  };
  const codeOf = (text: string): string => {
    try {
      return keys.verify(text).subject;
    } catch (error) {
      return AppError.from(error).code;
    }
  };

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'tidegate-api-keys-'));
    file = path.join(directory, 'api-keys.json');
    lines = [];
    nowMs = Date.now();
  });

  afterEach(() => {
    keys.close();
    rmSync(directory, { recursive: true });
  });

  it('knows whose key it is, what it may be used for, and when it ends', () => {
    const entry = stored(key, { scopes: ['transactions:read', 'transactions:write'] });
    write(clientWith(entry));
    const principal = open().verify(key);
    expect(principal).toMatchObject({
      subject: 'partner-north',
      tenant: 'north',
      roles: ['partner'],
      clientId: 'partner-north',
      method: 'api-key',
      credentialId: entry.id,
      scopes: ['transactions:read', 'transactions:write'],
      expiresAtMs: Date.parse(entry.expiresAt),
      claims: {},
    });
    expect(keys.check()).toEqual({ ok: true });
  });

  it('refuses all others alike', () => {
    const revoked = generateApiKey('test');
    write(clientWith(stored(key), stored(revoked, { revokedAt: new Date().toISOString() })));
    open();
    const wrongSecret = withChecksum(key, (secret) => (secret.startsWith('a') ? 'b' : 'a') + secret.slice(1));
    expect(parseApiKey(wrongSecret)?.id).toBe(parseApiKey(key)?.id);
    const refused = [wrongSecret, revoked, generateApiKey('test'), generateApiKey('live'), '', 'nonsense', `${key} `];
    const messages = refused.map((text) => {
      try {
        return keys.verify(text).subject;
      } catch (error) {
        const { code, message, details } = AppError.from(error);
        return JSON.stringify({ code, message, details });
      }
    });
    expect(new Set(messages).size).toBe(1);
    expect(messages[0]).toContain('unauthenticated');
  });

  it('takes a key until its very end', () => {
    const expiresAt = new Date(nowMs + 1_000).toISOString();
    write(clientWith(stored(key, { expiresAt })));
    open();
    nowMs += 999;
    expect(codeOf(key)).toBe('partner-north');
    nowMs += 1;
    expect(codeOf(key)).toBe('unauthenticated');
  });

  it('refuses a key that was revoked, and ends what it holds open', async () => {
    const other = generateApiKey('test');
    const kept = stored(other);
    write(clientWith(stored(key), kept));
    open({ refreshMs: 50 });
    const { withdrawn } = keys.verify(key);
    const untouched = keys.verify(other);
    write(clientWith(stored(key, { revokedAt: new Date().toISOString() }), kept));
    await new Promise((resolve) => withdrawn?.addEventListener('abort', resolve));
    expect(codeOf(key)).toBe('unauthenticated');
    expect(keys.verify(other)).toBe(untouched);
    expect(untouched.withdrawn?.aborted).toBe(false);
  });

  it('makes whoever gets other roles come again', async () => {
    write(clientWith(stored(key)));
    const { withdrawn } = open().verify(key);
    write({ clients: { 'partner-north': { tenant: 'north', roles: ['reporting'], keys: [stored(key)] } } });
    await keys.refresh();
    expect(withdrawn?.aborted).toBe(true);
    expect(keys.verify(key).roles).toEqual(['reporting']);
  });

  it('has no keys while there is no file, and takes it up when it comes', async () => {
    expect(open().check()).toEqual({ ok: true });
    expect(codeOf(key)).toBe('unauthenticated');
    write(clientWith(stored(key)));
    await keys.refresh();
    expect(codeOf(key)).toBe('partner-north');
    rmSync(file);
    await keys.refresh();
    expect(codeOf(key)).toBe('unauthenticated');
  });

  it.each<[what: string, content: unknown, said: string]>([
    ['half a file', '{"clients":{"par', 'it is not JSON'],
    ['an unknown field', { ...clientWith(), more: 1 }, 'more'],
    ['a client without roles', { clients: { a: { roles: [], keys: [] } } }, 'clients.a.roles'],
    ['a hash of another length', clientWith(stored(key, { hash: 'abc' })), 'keys.0.hash'],
    ['a scope without an action', clientWith(stored(key, { scopes: ['transactions'] })), 'keys.0.scopes.0'],
    ['a key without an end', clientWith({ ...stored(key), expiresAt: '' }), 'keys.0.expiresAt'],
    [
      'three live keys of a client',
      clientWith(stored(key), stored(generateApiKey('test')), stored(generateApiKey('test'))),
      'at most 2 live keys',
    ],
    ['an id twice', clientWith(stored(key), stored(key)), 'is there twice'],
  ])('stays with the last good keys for a minute when the file becomes bad: %s', async (_what, content, said) => {
    const good = generateApiKey('test');
    write(clientWith(stored(good)));
    open();
    write(content);
    await keys.refresh();
    expect(keys.check()).toEqual({ ok: false, reason: expect.stringContaining(said) as string });
    expect(lines.join('')).toContain('cannot be used');
    nowMs += 60_000;
    expect(codeOf(good)).toBe('partner-north');
    nowMs += 1;
    expect(codeOf(good)).toBe('unavailable');
    write(clientWith(stored(good), stored(generateApiKey('test'))));
    await keys.refresh();
    expect(codeOf(good)).toBe('partner-north');
    expect(keys.check()).toEqual({ ok: true });
  });

  it('takes no key when the file was never good', () => {
    write('nonsense');
    open();
    expect(codeOf(key)).toBe('unavailable');
  });

  it('takes two live keys and any number of ended ones', () => {
    const expiresAt = new Date(nowMs - 1).toISOString();
    const ended = Array.from({ length: 5 }, () => stored(generateApiKey('test'), { expiresAt }));
    const other = generateApiKey('test');
    write(clientWith(...ended, stored(key), stored(other)));
    open();
    expect([codeOf(key), codeOf(other)]).toEqual(['partner-north', 'partner-north']);
  });

  it('says nothing of a secret or a hash in its log', async () => {
    write(clientWith(stored(key)));
    open({ environment: 'test' });
    codeOf(key);
    codeOf(generateApiKey('test'));
    write(clientWith(stored(key, { hash: 'x'.repeat(40) })));
    await keys.refresh();
    const log = lines.join('');
    expect(log).toContain('API keys read');
    expect(log).not.toContain(key.split('_')[3]);
    expect(log).not.toContain(stored(key).hash);
    expect(log).not.toContain('x'.repeat(40));
  });
});
