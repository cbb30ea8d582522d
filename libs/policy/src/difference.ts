import type { Action, Catalog, Grant, Mask } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { isDeepStrictEqual } from 'node:util';
import { together, visibilityOf, type Visibility } from './visibility';

/** What one role sees otherwise of some rows of a resource after a change of the catalog. */
export interface AccessChange {
  readonly role: string;
  readonly action: Action;
  readonly resource: string;
  /** Which rows: `own tenant`, `all tenants`, with the condition. */
  readonly rows: string;
  readonly kind: 'gains' | 'loses' | 'changes';
  /** The columns with what is seen of them before and after: `hidden`, a mask, `visible`. */
  readonly columns: readonly { readonly path: string; readonly before: string; readonly after: string }[];
}

/** Who gains and who loses what, a role alone at a time, by role, action, resource and condition. */
export function compareCatalogs(before: Catalog, after: Catalog): AccessChange[] {
  const [old, fresh] = [accessOf(before), accessOf(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((key) => {
    const [role = '', action, resource = ''] = key.split(' ');
    const pair = [old.get(key) ?? [], fresh.get(key) ?? []] as const;
    const scopes = new Map(pair.flat().map((access) => [rowsOf(access), access]));
    return [...scopes].flatMap(([rows, scope]) => {
      const reaching = pair.map((accesses) => accesses.filter((access) => reaches(access, scope)));
      const [was, is] = reaching.map(seenBy) as [Visibility, Visibility];
      const columns = [...givenRows(reaching), ...differences('', was, is)];
      if (columns.length === 0) return [];
      return [
        { role, action: action as Action, resource, rows, kind: kindOf(was, is, reaching[1]?.length !== 0), columns },
      ];
    });
  });
}

interface Access {
  tenants: Grant['tenants'];
  /** Of the view that the resource is, and of the grant. All must hold. */
  conditions: readonly string[];
  visibility: Visibility;
}

/** By `role action resource`. */
function accessOf({ grants, streams }: Catalog): Map<string, Access[]> {
  const accesses = new Map<string, Access[]>();
  for (const { roles, actions, resources, tenants, where, columns } of grants) {
    for (const resource of resources) {
      const stream = streams.get(resource);
      if (stream === undefined) continue;
      const visibility = visibilityOf(columns, contractShapes[stream.schema]);
      const keys = roles.flatMap((role) => actions.map((action) => `${role} ${action} ${resource}`));
      const conditions = [stream.view?.where, where].flatMap((condition) => condition?.source ?? []);
      for (const key of new Set(keys)) {
        accesses.set(key, [...(accesses.get(key) ?? []), { tenants, conditions, visibility }]);
      }
    }
  }
  return accesses;
}

function rowsOf({ tenants, conditions }: Access): string {
  return [tenants === 'all' ? 'all tenants' : 'own tenant', ...conditions].join(', ');
}

/** Whether a grant certainly reaches all rows in a scope. */
function reaches({ tenants, conditions }: Access, scope: Access): boolean {
  if (tenants === 'own' && scope.tenants === 'all') return false;
  return conditions.every((condition) => scope.conditions.includes(condition));
}

function seenBy(accesses: readonly Access[]): Visibility {
  return accesses.map(({ visibility }) => visibility).reduce(together, { kind: 'hidden' });
}

/** Rows of which no column is seen are given too, to be written. */
function givenRows(reaching: readonly (readonly Access[])[]): AccessChange['columns'] {
  const [before = 'none', after = 'none'] = reaching.map((accesses) => {
    if (accesses.length === 0) return 'none';
    return seenBy(accesses).kind === 'hidden' ? 'given' : 'seen';
  });
  return before !== after && [before, after].includes('given') ? [{ path: 'rows', before, after }] : [];
}

function kindOf(before: Visibility, after: Visibility, reached: boolean): AccessChange['kind'] {
  // Then only whether rows are given has changed, and those of something seen are told by their columns.
  if (isDeepStrictEqual(before, after)) return reached ? 'gains' : 'loses';
  const both = together(before, after);
  if (isDeepStrictEqual(both, after)) return 'gains';
  return isDeepStrictEqual(both, before) ? 'loses' : 'changes';
}

function differences(path: string, before: Visibility, after: Visibility): AccessChange['columns'] {
  if (isDeepStrictEqual(before, after)) return [];
  const [inside, insideAfter] = [innermost(before), innermost(after)];
  if (inside.kind !== 'object' && insideAfter.kind !== 'object') {
    return [{ path, before: textOf(inside), after: textOf(insideAfter) }];
  }
  const fields = new Set([...fieldsOf(inside).keys(), ...fieldsOf(insideAfter).keys()]);
  return [...fields].flatMap((name) => {
    const at = path === '' ? name : `${path}.${name}`;
    return differences(at, fieldOf(inside, name), fieldOf(insideAfter, name));
  });
}

function innermost(visibility: Visibility): Visibility {
  return visibility.kind === 'list' || visibility.kind === 'map' ? innermost(visibility.of) : visibility;
}

function fieldsOf(visibility: Visibility): ReadonlyMap<string, Visibility> {
  return visibility.kind === 'object' ? visibility.fields : new Map<string, Visibility>();
}

/** What hides or masks a whole hides or masks each of its fields. */
function fieldOf(visibility: Visibility, name: string): Visibility {
  if (visibility.kind !== 'object') return visibility;
  return visibility.fields.get(name) ?? { kind: 'hidden' };
}

function textOf(visibility: Visibility): string {
  if (visibility.kind === 'masked') return visibility.masks.map(maskText).join(' or ');
  return visibility.kind === 'hidden' ? 'hidden' : 'visible';
}

function maskText(mask: Mask): string {
  return mask === 'redact' ? mask : Object.entries(mask).flat().join(' ');
}
