import type { JsonObject, JsonValue } from '@tidegate/contracts';
import type { Hasher } from './mask';
import { isObject, projectFields } from './projection';
import type { Rules } from './rules';

/** Whose view it is. */
export interface Viewer {
  /** undefined: sees no row that belongs to a tenant, except by grants with `tenants: all`. */
  readonly tenant: string | undefined;
  /** The caller as conditions see them. */
  readonly sub: JsonObject;
}

/** Whether the row belongs to the viewer's tenant: by its own field, which must be just that text. */
export function ownTenant(row: JsonObject, tenantField: string, { tenant }: Viewer): boolean {
  return tenant !== undefined && Object.hasOwn(row, tenantField) && row[tenantField] === tenant;
}

interface ViewPorts {
  onError: (grantId: string) => void;
  /** By what a row says is its tenant. */
  hasherOf: (tenant: JsonValue | undefined) => Hasher | undefined;
}

/** What one caller may see of one resource. */
export class View {
  readonly grantIds: readonly string[];
  /** Whether no grant hides or masks a field of the contract. */
  readonly seesAllColumns: boolean;
  /** Whether some grant shows rows of other tenants. */
  readonly crossesTenants: boolean;

  constructor(
    /** Equal for callers who see the same of every row, so that they can share the work. */
    readonly id: string,
    private readonly rules: Rules,
    private readonly viewer: Viewer,
    private readonly ports: ViewPorts,
  ) {
    this.grantIds = rules.rules.map(({ grant }) => grant.id);
    this.seesAllColumns = rules.seesAllColumns;
    this.crossesTenants = rules.rules.some(({ grant }) => grant.tenants === 'all');
  }

  /**
   * The visible part of a row: the same object when that is all of it, undefined when the row is not visible. The row is
   * not changed; parts that are visible as a whole are shared with it.
   */
  apply(row: JsonObject): JsonObject | undefined {
    if (!isObject(row)) return undefined;
    const matching = this.matching(row);
    if (matching.length === 0) return undefined;
    const visibility = this.rules.visibility(matching);
    if (visibility.kind !== 'object') return {};
    return projectFields(visibility.fields, row, this.rules.hashes ? this.hasherOf(row) : undefined);
  }

  /**
   * Whether any of the caller's grants hides or masks what is at this path (`lines.unitPrice`), or there is no such path.
   * Nobody may filter, sort, group or search by what is restricted: the outcome would tell what the mask hides.
   */
  restricted(path: string): boolean {
    return this.rules.restricted(path);
  }

  /** Of the row's tenant, whoever looks: within a tenant equal values are shown as equal. */
  private hasherOf(row: JsonObject): Hasher | undefined {
    const { tenantField } = this.rules;
    return Object.hasOwn(row, tenantField) ? this.ports.hasherOf(row[tenantField]) : undefined;
  }

  private matching(row: JsonObject): number[] {
    const { rules, tenantField } = this.rules;
    const { sub } = this.viewer;
    const own = ownTenant(row, tenantField, this.viewer);
    const matching: number[] = [];
    for (let index = 0; index < rules.length; index++) {
      const grant = rules[index]?.grant;
      if (grant === undefined || (grant.tenants === 'own' && !own)) continue;
      const verdict = grant.where?.evaluate({ row, sub }) ?? 'match';
      if (verdict === 'match') matching.push(index);
      else if (verdict === 'error') this.ports.onError(grant.id);
    }
    return matching;
  }
}
