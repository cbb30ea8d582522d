import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogError } from './catalog-error';
import { CatalogFile } from './catalog-file';
import { readGrants, type Grant } from './policies-file';
import { readStreams, type Stream } from './streams-file';
import { readTenants, type Tenant } from './tenants-file';

/** What platform engineers decided, validated as a whole. */
export interface Catalog {
  /** Equal for equal contents. */
  readonly version: string;
  readonly tenants: ReadonlyMap<string, Tenant>;
  readonly streams: ReadonlyMap<string, Stream>;
  readonly grants: readonly Grant[];
}

type FileName = 'tenants.yaml' | 'streams.yaml' | 'policies.yaml';

/** The texts of the files, or why one could not be read. */
export type CatalogTexts = Readonly<Record<FileName, string | { readonly unreadable: string }>>;

/**
 * Reads `tenants.yaml`, `streams.yaml` and `policies.yaml` of a directory.
 *
 * @throws CatalogError with every problem of all three files
 */
export function loadCatalog(directory: string): Catalog {
  const text = (name: FileName) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (error) {
      return { unreadable: (error as NodeJS.ErrnoException).code ?? 'unknown' };
    }
  };
  return parseCatalog({
    'tenants.yaml': text('tenants.yaml'),
    'streams.yaml': text('streams.yaml'),
    'policies.yaml': text('policies.yaml'),
  });
}

/** @throws CatalogError with every problem of all three texts */
export function parseCatalog(texts: CatalogTexts): Catalog {
  const file = (name: FileName) => {
    const text = texts[name];
    return typeof text === 'string' ? new CatalogFile(name, text) : CatalogFile.missing(name, text.unreadable);
  };
  const [tenantsFile, streamsFile, policiesFile] = [file('tenants.yaml'), file('streams.yaml'), file('policies.yaml')];
  const tenants = readTenants(tenantsFile);
  const streams = readStreams(streamsFile);
  const grants = readGrants(policiesFile, streams);
  const problems = [tenantsFile, streamsFile, policiesFile].flatMap((each) => each.problems);
  if (problems.length > 0) throw new CatalogError(problems);
  const version = createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
  return { version, tenants, streams: streams.valid, grants };
}
