import { ApiKeys } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(__dirname, '..');
const run = promisify(execFile);

describe('npm run api-key', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-api-key-'));
  const file = path.join(directory, 'api-keys.json');
  const pepper = 'a pepper of thirty-two characters';
  const tool = async (...args: string[]): Promise<string> => {
    const env = { API_KEYS_FILE: file, API_KEYS_PEPPER: pepper, API_KEYS_SEED_FILE: path.join(directory, 'seed') };
    const options = { cwd: root, env: { ...process.env, ...env } };
    return (await run(process.execPath, ['tools/api-key.ts', ...args], options)).stdout.trimEnd();
  };
  let keys: ApiKeys;

  beforeAll(() => {
    keys = new ApiKeys({ file, pepper });
  });

  afterAll(() => {
    keys.close();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['partner-north', 'north', ['partner']],
    ['partner-south', 'south', ['partner']],
    ['internal-reporting', undefined, ['reporting']],
  ])('prints a key of %s that is taken at once', async (client, tenant, roles) => {
    const key = await tool(client);
    await keys.refresh();
    expect(keys.verify(key)).toMatchObject({ subject: client, tenant, roles });
    expect(await tool(client)).toBe(key);
  });

  it('ends a key that is revoked', async () => {
    const key = await tool('partner-north');
    const next = await tool('partner-north', '--rotate');
    await tool('partner-north', '--revoke', key.split('_')[2] ?? '');
    await keys.refresh();
    expect(() => keys.verify(key)).toThrow(AppError);
    expect(keys.verify(next).subject).toBe('partner-north');
  });

  it('says which clients there are', async () => {
    await expect(tool('partner-east')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('expected one of partner-north, partner-south, internal-reporting') as string,
    });
  });
});
