import type { Action, Grant } from '@tidegate/catalog';

/** Grants by what they give and to whom, so that finding a caller's takes no longer for all that others have. */
export class GrantIndex {
  private readonly places = new Map<string, Map<string, number[]>>();

  constructor(private readonly grants: readonly Grant[]) {
    grants.forEach(({ actions, resources, roles }, place) => {
      for (const action of actions) {
        for (const resource of resources) this.add(`${action} ${resource}`, roles, place);
      }
    });
  }

  /** In the order of the catalog, each once. */
  of(roles: readonly string[], resource: string, action: Action): Grant[] {
    const byRole = this.places.get(`${action} ${resource}`);
    const found = new Set(roles.flatMap((role) => byRole?.get(role) ?? []));
    return [...found].sort((a, b) => a - b).flatMap((place) => this.grants[place] ?? []);
  }

  private add(key: string, roles: readonly string[], place: number): void {
    const byRole = this.places.get(key) ?? new Map<string, number[]>();
    this.places.set(key, byRole);
    for (const role of roles) byRole.set(role, [...(byRole.get(role) ?? []), place]);
  }
}
