import type { Catalog, Stream } from '@tidegate/catalog';
import { compareCatalogs, type AccessChange } from '@tidegate/policy';

/** Who gains and who loses what from one catalog to another, as a table, and what changes of streams and tenants. */
export function describeDifference(before: Catalog, after: Catalog): string[] {
  const access = compareCatalogs(before, after).flatMap(rowsOf);
  const notes = [...tenantNotes(before, after), ...streamNotes(before, after)];
  if (access.length + notes.length === 0) return ['Nobody gains or loses anything.'];
  const table = access.length === 0 ? ['Nobody gains or loses anything by a grant.'] : alignedTable(access);
  return notes.length === 0 ? table : [...table, '', ...notes];
}

const heads = ['role', 'action', 'resource', '', 'rows', 'columns'];

/** A line for each way in which columns change. */
function rowsOf({ role, action, resource, kind, rows, columns }: AccessChange): string[][] {
  const byChange = new Map<string, string[]>();
  for (const { path, before, after } of columns) {
    const change = `${before} → ${after}`;
    byChange.set(change, [...(byChange.get(change) ?? []), path]);
  }
  return [...byChange].map(([change, paths]) => [role, action, resource, kind, rows, `${change}: ${paths.join(', ')}`]);
}

function alignedTable(rows: readonly string[][]): string[] {
  const lines = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function tenantNotes({ tenants: before }: Catalog, { tenants: after }: Catalog): string[] {
  return [
    ...[...after.keys()].filter((id) => !before.has(id)).map((id) => `tenant ${id}: new`),
    ...[...before.keys()].filter((id) => !after.has(id)).map((id) => `tenant ${id}: removed, its callers see nothing`),
  ];
}

function streamNotes({ streams: before }: Catalog, { streams: after }: Catalog): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === undefined) return [`stream ${name}: new`];
    if (is === undefined) return [`stream ${name}: removed`];
    const [old, fresh] = [shownRows(was), shownRows(is)];
    return Object.keys(old)
      .filter((key) => old[key] !== fresh[key])
      .map((key) => `stream ${name}: ${key} was ${old[key]}, and is ${fresh[key]}`);
  });
}

/** What decides about the rows of a stream before any grant does. */
function shownRows({ sources, schema, tenant, rows, retentionDays }: Stream): Record<string, string> {
  const places = sources.map(({ format: _, ...place }) => place);
  const texts = { sources: places, schema, tenant, rows, retentionDays };
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, JSON.stringify(value) ?? 'not set']));
}
