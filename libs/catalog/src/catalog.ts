import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogError } from './catalog-error';
import { CatalogFile, type FieldPath, type Place } from './catalog-file';
import { readPolicies, type Grant } from './policies-file';
import { readStreams, type Stream } from './streams-file';
import { readTenants, type Tenant } from './tenants-file';

/** What platform engineers decided, validated as a whole. */
export interface Catalog {
  /** Equal for equal contents. */
  readonly version: string;
  readonly tenants: ReadonlyMap<string, Tenant>;
  readonly streams: ReadonlyMap<string, Stream>;
  readonly grants: readonly Grant[];
  /** Those that somebody has, where the catalog says. */
  readonly roles?: readonly string[];
}

export type CatalogFileName = 'tenants.yaml' | 'streams.yaml' | 'policies.yaml';

/** The texts of the files, or why one could not be read. */
export type CatalogTexts = Readonly<Record<CatalogFileName, string | { readonly unreadable: string }>>;

/**
 * Reads `tenants.yaml`, `streams.yaml` and `policies.yaml` of a directory.
 *
 * @throws CatalogError with every problem of all three files
 */
export function loadCatalog(directory: string): Catalog {
  return openCatalog(directory).catalog;
}

/** A catalog, and where each of its values stands, for those who have something to say about it. */
export interface OpenCatalog {
  readonly catalog: Catalog;
  /** `path` is that of the file: `['grants', 3, 'where']`. */
  readonly placeOf: (file: CatalogFileName, path: FieldPath) => Place;
}

/** `loadCatalog`, with places. */
export function openCatalog(directory: string): OpenCatalog {
  const text = (name: CatalogFileName) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (error) {
      return { unreadable: (error as NodeJS.ErrnoException).code ?? 'unknown' };
    }
  };
  return parse({
    'tenants.yaml': text('tenants.yaml'),
    'streams.yaml': text('streams.yaml'),
    'policies.yaml': text('policies.yaml'),
  });
}

/** @throws CatalogError with every problem of all three texts */
export function parseCatalog(texts: CatalogTexts): Catalog {
  return parse(texts).catalog;
}

function parse(texts: CatalogTexts): OpenCatalog {
  const file = (name: CatalogFileName) => {
    const text = texts[name];
    return typeof text === 'string' ? new CatalogFile(name, text) : CatalogFile.missing(name, text.unreadable);
  };
  const [tenantsFile, streamsFile, policiesFile] = [file('tenants.yaml'), file('streams.yaml'), file('policies.yaml')];
  const tenants = readTenants(tenantsFile);
  const streams = readStreams(streamsFile);
  const policies = readPolicies(policiesFile, streams);
  const files = [tenantsFile, streamsFile, policiesFile];
  const problems = files.flatMap((each) => each.problems);
  if (problems.length > 0) throw new CatalogError(problems);
  const version = createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
  return {
    catalog: { version, tenants, streams: streams.valid, ...policies },
    placeOf: (name, path) => (files.find((each) => each.name === name) ?? policiesFile).placeOf(path),
  };
}
