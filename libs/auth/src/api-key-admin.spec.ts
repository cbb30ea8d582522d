import { AppError } from '@tidegate/errors';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateApiKey, hashApiKey, parseApiKey } from './api-key';
import { ApiKeyAdmin } from './api-key-admin';
import { ApiKeys } from './api-keys';
import { LocalText, type SharedText } from './shared-text';

const pepper = 'a pepper of thirty-two characters';
const environment = 'test';
const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
const scopes = ['transactions:read'];
const fileKey = generateApiKey(environment);
const thumbprint = 'c'.repeat(43);

/** Stands for Redis: one text, which can go away. */
class Shared implements SharedText {
  readonly inner = new LocalText();
  isAway = false;
  /** Called between a read and the replacement that follows it. */
  between: (() => Promise<unknown>) | undefined;

  async read(): Promise<string | undefined> {
    if (this.isAway) throw new Error('away');
    return this.inner.read();
  }

  async replace(before: string | undefined, after: string): Promise<boolean> {
    const { between } = this;
    this.between = undefined;
    await between?.();
    return this.inner.replace(before, after);
  }
}

const codeOf = (verify: () => unknown): string => {
  try {
    verify();
    return 'none';
  } catch (error) {
    return AppError.from(error).code;
  }
};

describe(ApiKeyAdmin.name, () => {
  let directory: string;
  let shared: Shared;
  let nowMs: number;
  let replicas: { keys: ApiKeys; admin: ApiKeyAdmin }[];

  const replica = (): { keys: ApiKeys; admin: ApiKeyAdmin } => {
    const now = () => nowMs;
    const keys = new ApiKeys({ file: path.join(directory, 'keys.json'), pepper, environment }, { shared, now });
    const admin = new ApiKeyAdmin({ keys, shared, pepper, environment, now });
    replicas.push({ keys, admin });
    return { keys, admin };
  };

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'tidegate-keys-'));
    const parsed = parseApiKey(fileKey);
    if (parsed === undefined) throw new Error('no key');
    const stored = { id: parsed.id, hash: hashApiKey(parsed, pepper).toString('base64url'), scopes, expiresAt };
    const certificates = [{ id: thumbprint, scopes, expiresAt }];
    const clients = { 'partner-north': { tenant: 'north', roles: ['partner'], keys: [stored], certificates } };
    writeFileSync(path.join(directory, 'keys.json'), JSON.stringify({ clients }));
    shared = new Shared();
    replicas = [];
    nowMs = Date.now();
  });

  afterEach(() => {
    for (const { keys } of replicas) keys.close();
    rmSync(directory, { recursive: true });
  });

  it('makes a key that every replica takes, as the client of the file', async () => {
    const [{ admin }, { keys }] = [replica(), replica()];
    const { id, key } = await admin.create({ client: 'partner-north', roles: ['platform'], scopes, expiresAt });
    await keys.refresh();
    expect(keys.verify(key)).toMatchObject({ subject: 'partner-north', tenant: 'north', roles: ['partner'], scopes });
    expect(keys.verify(key).credentialId).toBe(id);
    expect((await admin.list()).map((one) => one.id)).toEqual([parseApiKey(fileKey)?.id, id, thumbprint]);
  });

  it('makes keys of a new client, whose roles have to be said', async () => {
    const { admin, keys } = replica();
    const wanted = { client: 'partner-east', scopes, expiresAt };
    await expect(admin.create(wanted)).rejects.toMatchObject({ code: 'invalid_argument' });
    const { key } = await admin.create({ ...wanted, tenant: 'north', roles: ['partner'] });
    expect(keys.verify(key)).toMatchObject({ subject: 'partner-east', tenant: 'north', roles: ['partner'] });
  });

  it('makes keys of a client with the name of what every object has', async () => {
    const { admin, keys } = replica();
    const wanted = { client: 'constructor', scopes, expiresAt };
    await expect(admin.create(wanted)).rejects.toMatchObject({ code: 'invalid_argument' });
    const { key } = await admin.create({ ...wanted, roles: ['partner'] });
    expect(keys.verify(key)).toMatchObject({ subject: 'constructor', roles: ['partner'] });
  });

  it('makes no third live key, wherever the others are, also when two replicas are asked at once', async () => {
    const [{ admin }, other] = [replica(), replica()];
    const wanted = { client: 'partner-north', scopes, expiresAt };
    shared.between = () => other.admin.create(wanted);
    await expect(admin.create(wanted)).rejects.toMatchObject({ code: 'conflict' });
    expect(await admin.list()).toHaveLength(3);
    await admin.revoke(parseApiKey(fileKey)?.id ?? '');
    await expect(admin.create(wanted)).resolves.toBeDefined();
  });

  it('revokes keys of the file, certificates, and keys that were made here, with what they hold open', async () => {
    const [{ admin }, { keys }] = [replica(), replica()];
    const made = await admin.create({ client: 'partner-north', scopes, expiresAt });
    await keys.refresh();
    const held = [keys.verify(fileKey), keys.verify(made.key), keys.verifyCertificate(thumbprint)];
    for (const { credentialId = '' } of held) await admin.revoke(credentialId);
    await keys.refresh();
    expect(held.map(({ withdrawn }) => withdrawn?.aborted)).toEqual([true, true, true]);
    expect(codeOf(() => keys.verify(fileKey))).toBe('unauthenticated');
    expect(codeOf(() => keys.verify(made.key))).toBe('unauthenticated');
    expect(codeOf(() => keys.verifyCertificate(thumbprint))).toBe('unauthenticated');
    expect(await admin.list()).toEqual([]);
    await expect(admin.revoke(made.id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('keeps no text of a key', async () => {
    const { admin } = replica();
    const { key } = await admin.create({ client: 'partner-north', scopes, expiresAt });
    expect(await shared.read()).not.toContain(key.split('_')[3]);
  });

  it('believes nothing of what somebody else wrote there, and stays with the last good keys', async () => {
    const { admin, keys } = replica();
    await admin.revoke(parseApiKey(fileKey)?.id ?? '');
    const before = await shared.read();
    const [mac = '', json = ''] = before?.split('\n') ?? [];
    const roles = { clients: { 'partner-east': { roles: ['platform'], keys: [], certificates: [] } }, revoked: {} };
    for (const forged of [`${mac}\n${JSON.stringify(roles)}`, json, `${mac}\n`, 'x', '{"clients":{},"revoked":{}}']) {
      await shared.replace(await shared.read(), forged);
      await keys.refresh();
      expect([forged, keys.check()]).toEqual([forged, { ok: false, reason: 'shared keys: none of ours wrote it' }]);
      expect(codeOf(() => keys.verify(fileKey))).toBe('unauthenticated');
    }
  });

  it('takes nobody before it is known what is revoked, and closes when that was not known for a minute', async () => {
    shared.isAway = true;
    const { keys } = replica();
    await keys.ready(50);
    expect(codeOf(() => keys.verify(fileKey))).toBe('unavailable');
    shared.isAway = false;
    await keys.ready(50);
    const { withdrawn } = keys.verify(fileKey);
    shared.isAway = true;
    nowMs += 60_000;
    await keys.refresh();
    expect(keys.verify(fileKey).subject).toBe('partner-north');
    expect(keys.check()).toEqual({ ok: false, reason: 'shared keys: away' });
    nowMs += 1;
    await keys.refresh();
    expect(withdrawn?.aborted).toBe(true);
    expect(codeOf(() => keys.verify(fileKey))).toBe('unavailable');
    shared.isAway = false;
    await keys.refresh();
    expect(keys.verify(fileKey).withdrawn?.aborted).toBe(false);
  });
});
