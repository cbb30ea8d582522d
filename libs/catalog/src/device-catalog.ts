import { CatalogError } from './catalog-error';
import { catalogFileOf, loadFiles, type CatalogFiles, type FileText } from './catalog-files';
import { readDeviceSchemas, type DeviceSchema } from './devices-file';
import { readTenants, type Tenant } from './tenants-file';

/** What was decided about devices. */
export interface DeviceCatalog {
  readonly tenants: ReadonlyMap<string, Tenant>;
  /** By the `schema_id` of a Hello. */
  readonly schemas: ReadonlyMap<string, DeviceSchema>;
}

type FileName = 'tenants.yaml' | 'devices.yaml';

/** `tenants.yaml` and `devices.yaml` of a directory: the door for devices starts whatever state the streams are in. */
export function deviceCatalogFiles(directory: string): CatalogFiles<DeviceCatalog, FileName> {
  return { name: 'devices', directory, files: ['tenants.yaml', 'devices.yaml'], parse: parseDeviceCatalog };
}

/**
 * Reads `tenants.yaml` and `devices.yaml` of a directory.
 *
 * @throws CatalogError with every problem of both files
 */
export function loadDeviceCatalog(directory: string): DeviceCatalog {
  return loadFiles(deviceCatalogFiles(directory));
}

function parseDeviceCatalog(texts: Readonly<Record<FileName, FileText>>): DeviceCatalog {
  const [tenantsFile, devicesFile] = [catalogFileOf(texts, 'tenants.yaml'), catalogFileOf(texts, 'devices.yaml')];
  const catalog = { tenants: readTenants(tenantsFile), schemas: readDeviceSchemas(devicesFile) };
  const problems = [...tenantsFile.problems, ...devicesFile.problems];
  if (problems.length > 0) throw new CatalogError(problems);
  return catalog;
}
