import { z } from 'zod';
import { entries, name, strict, type CatalogFile } from './catalog-file';

const tenantSchema = strict({ name: z.string().min(1) });
const fileSchema = strict({ tenants: entries });

/** The whole file, for editors. */
export const tenantsFileSchema = strict({ tenants: z.record(name, tenantSchema) });

export interface Tenant {
  readonly id: string;
  readonly name: string;
}

export function readTenants(file: CatalogFile): ReadonlyMap<string, Tenant> {
  const tenants = new Map<string, Tenant>();
  const declared = file.readAll(fileSchema)?.tenants ?? {};
  for (const [id, value] of Object.entries(declared)) {
    const path = ['tenants', id];
    const tenant = file.read(tenantSchema, value, path);
    if (file.read(name, id, path) !== undefined && tenant !== undefined) tenants.set(id, { id, ...tenant });
  }
  return tenants;
}
