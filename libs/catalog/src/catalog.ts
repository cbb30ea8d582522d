import { createHash } from 'node:crypto';
import { CatalogError } from './catalog-error';
import type { FieldPath, Place } from './catalog-file';
import { catalogFileOf, loadFiles, type CatalogFiles, type FileText } from './catalog-files';
import { readPolicies, type Grant } from './policies-file';
import { protoFileName, ProtoFiles, type ProtoFileName } from './proto-files';
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

export type CatalogTexts = Readonly<Record<CatalogFileName, FileText>> & Readonly<Record<ProtoFileName, FileText>>;

/**
 * Reads `tenants.yaml`, `streams.yaml` and `policies.yaml` of a directory, and the `.proto` files that they name.
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
  return loadFiles({ ...catalogFiles(directory), parse });
}

/** What of a directory a catalog is made of. */
export function catalogFiles(directory: string): CatalogFiles<Catalog, CatalogFileName> {
  const files = ['tenants.yaml', 'streams.yaml', 'policies.yaml'] as const;
  return { name: 'catalog', directory, files, beside: protoFileName, parse: parseCatalog };
}

/** @throws CatalogError with every problem of all three texts, and of the .proto files that they name */
export function parseCatalog(texts: CatalogTexts): Catalog {
  return parse(texts).catalog;
}

function parse(texts: CatalogTexts): OpenCatalog {
  const file = (name: CatalogFileName) => catalogFileOf(texts, name);
  const [tenantsFile, streamsFile, policiesFile] = [file('tenants.yaml'), file('streams.yaml'), file('policies.yaml')];
  const protos = new ProtoFiles(texts);
  const tenants = readTenants(tenantsFile);
  const streams = readStreams(streamsFile, { protos, tenants });
  const policies = readPolicies(policiesFile, streams);
  const files = [tenantsFile, streamsFile, policiesFile];
  const problems = files.flatMap((each) => each.problems);
  if (problems.length > 0) throw new CatalogError(problems);
  const read = [texts['tenants.yaml'], texts['streams.yaml'], texts['policies.yaml'], ...protos.used];
  const version = createHash('sha256').update(JSON.stringify(read)).digest('base64url').slice(0, 22);
  return {
    catalog: { version, tenants, streams: streams.valid, ...policies },
    placeOf: (name, path) => (files.find((each) => each.name === name) ?? policiesFile).placeOf(path),
  };
}
