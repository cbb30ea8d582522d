import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installedFolders, isAllowed, packageOf, readPackage, thirdPartyNotices } from './licences.ts';

describe('isAllowed()', () => {
  it.each(['MIT', '(MIT OR GPL-3.0)', 'MIT AND ISC', 'Apache-2.0'])('accepts %s', (expression) => {
    expect(isAllowed(expression)).toBe(true);
  });

  it.each(['GPL-3.0', 'MIT AND AGPL-3.0', 'UNKNOWN', 'UNLICENSED', 'SSPL-1.0'])('refuses %s', (expression) => {
    expect(isAllowed(expression)).toBe(false);
  });
});

describe('packageOf()', () => {
  it('names the innermost package of a file', () => {
    expect(packageOf('node_modules/a/node_modules/@scope/b/lib/x.js')).toBe('@scope/b');
    expect(packageOf('libs/errors/src/index.ts')).toBeUndefined();
  });
});

it('finds nested packages and prints their licence texts', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'licences-'));
  const write = (folder: string, manifest: object): void => {
    mkdirSync(path.join(root, folder), { recursive: true });
    writeFileSync(path.join(root, folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(root, folder, 'LICENSE'), `text of ${folder}`);
  };
  write('a', { name: 'a', version: '1.0.0', license: 'MIT' });
  write('a/node_modules/@s/b', { name: '@s/b', version: '2.0.0', licenses: [{ type: 'ISC' }] });
  const packages = installedFolders(root).map(readPackage);
  expect(packages.map(({ name, licence }) => `${name} ${licence}`)).toEqual(['a MIT', '@s/b ISC']);
  expect(thirdPartyNotices(packages)).toContain('text of a/node_modules/@s/b');
});
