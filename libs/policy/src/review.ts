import type { Action, Catalog, CatalogFileName, FieldPath, Grant } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { isDeepStrictEqual } from 'node:util';
import { GrantIndex } from './grant-index';
import { together, visibilityOf, type Visibility } from './visibility';

/** Something that a catalog says in vain. */
export interface Finding {
  readonly file: CatalogFileName;
  readonly path: FieldPath;
  readonly message: string;
}

/** What a valid catalog says in vain: grants that give nothing to anybody, and streams that nobody may read. */
export function reviewCatalog(catalog: Catalog): Finding[] {
  const review = new Review(catalog);
  return [...catalog.grants.flatMap((grant, index) => review.ofGrant(grant, index)), ...review.ofStreams()];
}

class Review {
  private readonly index: GrantIndex;
  private readonly places: ReadonlyMap<Grant, number>;
  /** Those that give nothing to anybody. */
  private readonly dead: ReadonlySet<Grant>;

  constructor(private readonly catalog: Catalog) {
    this.index = new GrantIndex(catalog.grants);
    this.places = new Map(catalog.grants.map((grant, place) => [grant, place]));
    this.dead = new Set(catalog.grants.filter((grant) => this.isDead(grant)));
  }

  ofGrant(grant: Grant, index: number): Finding[] {
    const at = (message: string, ...path: FieldPath): Finding => {
      return { file: 'policies.yaml', path: ['grants', index, ...path], message };
    };
    const { roles } = this.catalog;
    const findings = this.strangers(grant).map((role) => {
      const message = `nobody has the role "${role}"; the roles are ${roles?.join(', ')}`;
      return at(message, 'roles', grant.roles.indexOf(role));
    });
    const inVain = this.whereInVain(grant);
    if (inVain !== undefined) findings.push(at(inVain, 'where'));
    if (this.showsNothing(grant)) findings.push(at('leaves no column to see', 'columns'));
    if (!this.dead.has(grant) && this.addsNothing(grant)) {
      findings.push(at('gives nothing that other grants do not give as well'));
    }
    return findings;
  }

  ofStreams(): Finding[] {
    const read = this.catalog.grants.filter((grant) => grant.actions.includes('read') && !this.dead.has(grant));
    const readable = new Set(read.flatMap(({ resources }) => resources));
    return [...this.catalog.streams.values()].flatMap(({ name, view }) => {
      const at = (message: string, ...path: FieldPath): Finding => {
        return { file: 'streams.yaml', path: ['streams', name, ...path], message };
      };
      return [
        ...(readable.has(name) ? [] : [at('nobody may read it; give it to somebody, or remove it')]),
        ...(view?.where.demands().never ? [at('no row can match', 'where')] : []),
      ];
    });
  }

  private isDead(grant: Grant): boolean {
    const nobody = this.strangers(grant).length === grant.roles.length;
    return nobody || this.whereInVain(grant) !== undefined || this.showsNothing(grant);
  }

  private strangers({ roles }: Grant): string[] {
    const { roles: known } = this.catalog;
    return known === undefined ? [] : roles.filter((role) => !known.includes(role));
  }

  /** Why no row can match. */
  private whereInVain({ where, resources, tenants }: Grant): string | undefined {
    const demands = where?.demands();
    if (demands === undefined) return undefined;
    if (demands.never) return 'no row can match';
    const callers = demands.values.get('sub.tenant');
    const known = (callers ?? [...this.catalog.tenants.keys()]).filter((tenant) => this.catalog.tenants.has(tenant));
    if (known.length === 0) return `asks for the tenant ${callers?.join(', ')}, which is none of tenants.yaml`;
    if (tenants === 'all') return undefined;
    const ofRows = resources.map((resource) => {
      return demands.values.get(`row.${this.catalog.streams.get(resource)?.tenant}`) ?? known;
    });
    const possible = ofRows.some((values) => values.some((tenant) => known.includes(tenant)));
    return possible ? undefined : 'asks for a tenant that no caller of it is of; see tenants.yaml';
  }

  /** Who may write may do so blindly. */
  private showsNothing(grant: Grant): boolean {
    if (grant.actions.some((action) => action !== 'read')) return false;
    return grant.resources.every((resource) => this.visibility(grant, resource).kind === 'hidden');
  }

  private addsNothing(grant: Grant): boolean {
    const { roles, resources, actions } = grant;
    return roles.every((role) =>
      resources.every((resource) => actions.every((action) => this.hasRival(grant, role, resource, action))),
    );
  }

  private hasRival(grant: Grant, role: string, resource: string, action: Action): boolean {
    return this.index.of([role], resource, action).some((rival) => {
      if (rival === grant || !this.covers(rival, grant, resource)) return false;
      // Of two that give the same the second is the one too many.
      return !this.covers(grant, rival, resource) || this.placeOf(rival) < this.placeOf(grant);
    });
  }

  private covers(rival: Grant, grant: Grant, resource: string): boolean {
    if (this.dead.has(rival) || (rival.tenants === 'own' && grant.tenants === 'all')) return false;
    if (rival.where !== undefined && rival.where.source !== grant.where?.source) return false;
    const shown = this.visibility(rival, resource);
    return isDeepStrictEqual(together(shown, this.visibility(grant, resource)), shown);
  }

  private placeOf(grant: Grant): number {
    return this.places.get(grant) ?? 0;
  }

  private visibility({ columns }: Grant, resource: string): Visibility {
    const stream = this.catalog.streams.get(resource);
    return stream ? visibilityOf(columns, contractShapes[stream.schema]) : { kind: 'hidden' };
  }
}
