import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const shipped = path.resolve(__dirname, '../../catalog');

type FileName = 'tenants.yaml' | 'streams.yaml' | 'policies.yaml' | 'devices.yaml';

/** The shipped catalog in a directory of a test's own, which apps that it starts watch. */
export class CatalogCopy {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'tidegate-catalog-'));

  constructor() {
    cpSync(shipped, this.directory, { recursive: true });
  }

  /** Puts another file in the place of one, as editors do. */
  edit(file: FileName, change: (text: string) => string): void {
    const target = path.join(this.directory, file);
    const text = readFileSync(target, 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error(`${file} stays as it is`);
    writeFileSync(`${target}~`, changed);
    renameSync(`${target}~`, target);
  }

  replace(file: FileName, ...changes: [from: string, to: string][]): void {
    for (const [from, to] of changes) this.edit(file, (text) => text.replace(from, () => to));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
