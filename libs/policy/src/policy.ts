import { isInScope, type Principal } from '@tidegate/auth';
import type { Action, Catalog, Grant } from '@tidegate/catalog';
import { stringifyJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { Counter, type Registry } from '@tidegate/telemetry';
import { createHash } from 'node:crypto';
import { explain, type Explanation } from './explanation';
import { GrantIndex } from './grant-index';
import { MaskKeys } from './mask-keys';
import { Rules } from './rules';
import { View, type Viewer } from './view';

export interface PolicyOptions {
  /** Gets `tidegate_policy_errors_total`: rows that a grant could not be judged for, by grant. */
  registry?: Registry;
  /** At least 32 bytes, from which tenants' keys for hashes are derived; without it what would be hashed is redacted. */
  maskKey?: Buffer | undefined;
}

/** Somebody as grants see them. */
export type Person = Pick<Principal, 'subject' | 'tenant' | 'roles' | 'claims'>;

/** More combinations of grants on a resource than any catalog means; beyond it, rules are made anew. */
const maxKnownRules = 10_000;

/** Who may see what: nothing, unless a grant gives it. Pure: it reads nothing but its arguments. */
export class Policy {
  private grants: GrantIndex;
  private readonly rules = new Map<string, Rules>();
  private readonly errors: Counter<'grant'> | undefined;
  private readonly keys: MaskKeys | undefined;

  constructor(
    private catalog: Catalog,
    { registry, maskKey }: PolicyOptions = {},
  ) {
    this.grants = new GrantIndex(catalog.grants);
    this.errors = registry && errorCounter(registry);
    this.keys = maskKey && new MaskKeys(maskKey);
  }

  /** From now on decides by this catalog. Views that were given out before stay as they are. */
  change(catalog: Catalog): void {
    this.catalog = catalog;
    this.grants = new GrantIndex(catalog.grants);
    this.rules.clear();
  }

  /** Of the catalog that the grants come from. */
  get version(): string {
    return this.catalog.version;
  }

  /** What the caller may see of a resource; undefined for one that is unknown and for one that no grant gives, alike. */
  view(principal: Principal, resource: string, action: Action = 'read'): View | undefined {
    if (!isInScope(principal, resource, action)) return undefined;
    const grants = this.grants.of(principal.roles, resource, action);
    return this.viewBy(grants, principal, resource, (grant) => this.errors?.inc({ grant }));
  }

  /** Why somebody sees a row of a stream as it does; undefined when there is no such stream. */
  explain(person: Person, stream: string, row: JsonObject): Explanation | undefined {
    const about = this.catalog.streams.get(stream);
    if (about === undefined) return undefined;
    const grants = this.grants.of(person.roles, stream, 'read');
    const view = this.viewBy(grants, person, stream, () => undefined);
    return explain({ grants, viewer: this.viewerOf(person), stream: about, row, shown: view?.apply(row) });
  }

  private viewBy(
    held: readonly Grant[],
    person: Person,
    resource: string,
    onError: (grantId: string) => void,
  ): View | undefined {
    const viewer = this.viewerOf(person);
    const grants = held.filter(({ tenants }) => tenants === 'all' || viewer.tenant !== undefined);
    const rules = grants.length === 0 ? undefined : this.rulesOf(resource, grants);
    if (rules === undefined) return undefined;
    const id = viewId(rules, viewer);
    return new View(id, rules, viewer, { onError, hasherOf: (tenant) => this.hasherOf(tenant) });
  }

  private viewerOf(person: Person): Viewer {
    const tenant = this.knownTenant(person.tenant);
    return { tenant, sub: subjectOf(person, tenant) };
  }

  private knownTenant(tenant: unknown): string | undefined {
    return typeof tenant === 'string' && this.catalog.tenants.has(tenant) ? tenant : undefined;
  }

  private hasherOf(tenant: JsonValue | undefined) {
    const known = this.knownTenant(tenant);
    return known === undefined ? undefined : this.keys?.hasher(known);
  }

  private rulesOf(resource: string, grants: readonly Grant[]): Rules | undefined {
    const key = JSON.stringify([resource, ...grants.map(({ id }) => id)]);
    const known = this.rules.get(key);
    const stream = this.catalog.streams.get(resource);
    if (known !== undefined || stream === undefined) return known;
    const rules = new Rules(grants, stream);
    if (this.rules.size < maxKnownRules) this.rules.set(key, rules);
    return rules;
  }
}

function errorCounter(registry: Registry): Counter<'grant'> {
  const name = 'tidegate_policy_errors_total';
  const known = registry.getSingleMetric(name);
  if (known instanceof Counter) return known;
  const help = 'Rows that a grant could not be judged for, so that it did not show them';
  return new Counter({ name, help, labelNames: ['grant'], registers: [registry] });
}

function subjectOf({ subject, roles, claims }: Person, tenant: string | undefined): JsonObject {
  return { id: subject, roles: [...roles], claims, ...(tenant !== undefined && { tenant }) };
}

/** Two callers see the same if they have the same grants and agree in all that these grants look at. */
function viewId({ rules, digest }: Rules, { tenant, sub }: Viewer): string {
  const looksAt = rules.map(({ grant: { where } }) => where?.uses.sub.map((path) => partOf(sub, path)) ?? []);
  const scope = rules.every(({ grant }) => grant.tenants === 'all') ? [] : [tenant ?? null];
  const text = stringifyJson([digest, scope, looksAt]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** The value as a list of one, or an empty list, so that a claim that is null differs from none. */
function partOf(sub: JsonObject, path: readonly string[]): JsonValue[] {
  let value: JsonValue | undefined = sub;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
    value = value[name];
  }
  return value === undefined ? [] : [value];
}
