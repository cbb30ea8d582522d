// npm run licences: fails when an installed package has a licence outside the allow-list.
import path from 'node:path';
import { installedFolders, isAllowed, readPackage } from './licences.ts';

const folders = installedFolders(path.resolve(import.meta.dirname, '../node_modules'));
const refused = folders.map(readPackage).filter(({ licence }) => !isAllowed(licence));
for (const { name, version, licence } of refused)
  console.error(`${name} ${version}: ${licence} is not on the allow-list`);
if (refused.length > 0) process.exit(1);
console.log(`licences: ${folders.length} packages, all permissive`);
