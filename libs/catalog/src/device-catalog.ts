import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogError } from './catalog-error';
import { CatalogFile } from './catalog-file';
import { readDeviceSchemas, type DeviceSchema } from './devices-file';
import { readTenants, type Tenant } from './tenants-file';

/** What was decided about devices. */
export interface DeviceCatalog {
  readonly tenants: ReadonlyMap<string, Tenant>;
  /** By the `schema_id` of a Hello. */
  readonly schemas: ReadonlyMap<string, DeviceSchema>;
}

/**
 * Reads `tenants.yaml` and `devices.yaml` of a directory: the door for devices starts whatever state the streams are in.
 *
 * @throws CatalogError with every problem of both files
 */
export function loadDeviceCatalog(directory: string): DeviceCatalog {
  const file = (name: string) => {
    try {
      return new CatalogFile(name, readFileSync(join(directory, name), 'utf8'));
    } catch (error) {
      return CatalogFile.missing(name, (error as NodeJS.ErrnoException).code ?? 'unknown');
    }
  };
  const [tenantsFile, devicesFile] = [file('tenants.yaml'), file('devices.yaml')];
  const catalog = { tenants: readTenants(tenantsFile), schemas: readDeviceSchemas(devicesFile) };
  const problems = [...tenantsFile.problems, ...devicesFile.problems];
  if (problems.length > 0) throw new CatalogError(problems);
  return catalog;
}
