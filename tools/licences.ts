import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface InstalledPackage {
  name: string;
  version: string;
  licence: string;
  text: string;
}

/** Permissive licences only; what is used to build but never shipped is held to the same list. */
export const allowedLicences = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'WTFPL',
  'Zlib',
]);

// Packages whose manifest says nothing: the licence stands in their readme.
const licencesByReadme: Record<string, string> = { 'pause@0.0.1': 'MIT' };

/** `node_modules/@scope/name/lib/x.js` → `@scope/name`. */
export function packageOf(file: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
}

export function readPackage(folder: string): InstalledPackage {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string | { type: string };
    licenses?: { type: string }[];
  };
  const { license, licenses } = manifest;
  const declared = typeof license === 'string' ? license : (license?.type ?? licenses?.map((l) => l.type).join(' OR '));
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return {
    name: manifest.name,
    version: manifest.version,
    licence: declared ?? licencesByReadme[`${manifest.name}@${manifest.version}`] ?? 'UNKNOWN',
    text: file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8').trim(),
  };
}

/** True when an SPDX expression can be satisfied by allowed licences alone. */
export function isAllowed(expression: string): boolean {
  const alternatives = expression.replace(/[()]/g, ' ').split(/\s+OR\s+/);
  return alternatives.some((all) => all.split(/\s+AND\s+/).every((id) => allowedLicences.has(id.trim())));
}

export function thirdPartyNotices(packages: readonly InstalledPackage[]): string {
  const sorted = [...packages].sort((a, b) => a.name.localeCompare(b.name));
  const sections = sorted.map(({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text}\n`);
  return `This file lists the packages inside main.cjs and their licences.\n\n${sections.join('\n----\n\n')}`;
}

/** The folders of every package below a node_modules folder, nested ones included. */
export function installedFolders(nodeModules: string): string[] {
  if (!existsSync(nodeModules)) return [];
  return readdirSync(nodeModules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => {
      const folder = path.join(nodeModules, name);
      return name.startsWith('@') ? readdirSync(folder).map((inner) => path.join(folder, inner)) : [folder];
    })
    .flatMap((folder) => [folder, ...installedFolders(path.join(folder, 'node_modules'))])
    .filter((folder) => existsSync(path.join(folder, 'package.json')));
}
