import type { Grant, Stream } from '@tidegate/catalog';
import type { JsonObject } from '@tidegate/contracts';
import type { Verdict } from '@tidegate/expression';
import { ownTenant, type Viewer } from './view';

/** How one grant of a caller judges a row. */
export interface GrantExplanation {
  readonly id: string;
  readonly matched: boolean;
  /** Whether the row is of a tenant that it reaches: the caller's own, or any for a grant across tenants. */
  readonly tenant: boolean;
  /** Its condition as the catalog has it; null when it has none. */
  readonly where: string | null;
  /** Why the condition cannot be judged for this row, so that it does not match. */
  readonly error?: string;
  /** The parts of the condition that must all be true. */
  readonly clauses: readonly { readonly source: string; readonly verdict: Verdict; readonly error?: string }[];
}

export interface Explanation {
  readonly visible: boolean;
  /** Where the stream is a view: which rows are in it, and whether this one is. */
  readonly view?: { readonly where: string; readonly matched: boolean };
  /** The grants to `read` that the caller's roles have on the stream. */
  readonly grants: readonly GrantExplanation[];
  /** The row as the caller sees it; null when it does not. */
  readonly row: JsonObject | null;
}

interface Judged {
  grants: readonly Grant[];
  viewer: Viewer;
  stream: Stream;
  row: JsonObject;
  shown: JsonObject | undefined;
}

export function explain({ grants, viewer, stream, row, shown }: Judged): Explanation {
  const own = ownTenant(row, stream.tenant, viewer);
  const judged = grants.map(({ id, where, tenants }): GrantExplanation => {
    const tenant = tenants === 'all' || own;
    const { verdict, error, clauses } = where?.explain({ row, sub: viewer.sub }) ?? { verdict: 'match', clauses: [] };
    const matched = tenant && verdict === 'match';
    return { id, matched, tenant, where: where?.source ?? null, ...(error !== undefined && { error }), clauses };
  });
  const view = stream.view && viewOf(stream.view, row);
  const seen = view?.matched === false ? undefined : shown;
  return { visible: seen !== undefined, ...(view && { view }), grants: judged, row: seen ?? null };
}

function viewOf({ where }: NonNullable<Stream['view']>, row: JsonObject): NonNullable<Explanation['view']> {
  return { where: where.source, matched: where.evaluate({ row, sub: {} }) === 'match' };
}
