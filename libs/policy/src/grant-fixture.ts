import type { Grant } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';

export type GrantChange = Partial<Grant> & { condition?: string };

/** A grant to read all of a tenant's orders, but for what is said otherwise. */
export function grantOf({ condition, ...rest }: GrantChange): Grant {
  return {
    id: 'g',
    roles: ['r'],
    resources: ['orders'],
    actions: ['read'],
    columns: { deny: [], mask: {} },
    tenants: 'own',
    ...(condition !== undefined && { where: compileCondition(condition, { row: contractShapes.order }) }),
    ...rest,
  };
}
