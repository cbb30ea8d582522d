import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../infra/cache.ts';

/** Roles of the benchmark's catalog: everything, a view with a filter and three masks, and ten such views. */
export const roles = {
  plain: ['reader'],
  policed: ['view-0'],
  views: Array.from({ length: 10 }, (_, index) => `view-${index}`),
  own: ['owner'],
};

export type StreamName = 'one' | 'six';

/** Writes a catalog of two streams; returns its folder. */
export function writeCatalog(folder: string, topics: Record<StreamName, string>): string {
  const resources = Object.keys(topics);
  const streams = { one: streamOf(topics.one), six: streamOf(topics.six) };
  const filtered = roles.views.map((role, index) => ({
    ...{ id: role, roles: [role], resources },
    // True for every record that is sent, so that all get the same rows; and no two of them alike.
    where: `row.segment == "retail" && row.balance > ${index}.0`,
    columns: { mask: { customerId: { keepLast: 4 }, currency: 'redact', segment: { keepFirst: 1 } } },
  }));
  const grants = [
    { id: 'reader', roles: roles.plain, resources },
    { id: 'owner', roles: roles.own, resources, where: 'row.customerId == sub.id' },
    ...filtered,
  ];
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(root, 'catalog/tenants.yaml'), path.join(folder, 'tenants.yaml'));
  // JSON is YAML.
  writeFileSync(path.join(folder, 'streams.yaml'), JSON.stringify({ streams }));
  writeFileSync(path.join(folder, 'policies.yaml'), JSON.stringify({ grants }));
  return folder;
}

function streamOf(topic: string): object {
  return {
    sources: [{ topic }],
    key: ['accountId'],
    subject: 'customerId',
    tenant: 'tenantId',
    schema: 'account',
    resume: { maxScanned: 200_000, maxMs: 2_000 },
  };
}
