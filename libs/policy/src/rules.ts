import type { Grant, Stream } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { createHash } from 'node:crypto';
import { follow, hasHash, isClear, together, visibilityOf, type Visibility } from './visibility';

/** One grant on one resource. */
export interface Rule {
  readonly grant: Grant;
  readonly visibility: Visibility;
}

/** What some grants show of one resource; shared by all callers who have just these grants. */
export class Rules {
  readonly rules: readonly Rule[];
  readonly tenantField: string;
  /** Equal for rules that show the same, whatever else changes in the catalog. */
  readonly digest: string;
  readonly seesAllColumns: boolean;
  /** Whether any of them shows something as a hash. */
  readonly hashes: boolean;
  private readonly combined = new Map<string, Visibility>();

  constructor(grants: readonly Grant[], { name, tenant, schema }: Pick<Stream, 'name' | 'tenant' | 'schema'>) {
    this.tenantField = tenant;
    const shape = contractShapes[schema];
    const what = grants.map(({ id, where, columns, tenants }) => ({ id, where: where?.source, columns, tenants }));
    this.digest = createHash('sha256')
      .update(JSON.stringify([name, tenant, schema, what]))
      .digest('base64url');
    this.rules = grants.map((grant) => ({ grant, visibility: visibilityOf(grant.columns, shape) }));
    this.seesAllColumns = this.rules.every(({ visibility }) => isClear(visibility));
    this.hashes = this.rules.some(({ visibility }) => hasHash(visibility));
  }

  /** What the grants at these indices, which are in order, show together. */
  visibility(matching: readonly number[]): Visibility {
    const [first, ...others] = matching;
    if (first === undefined) return { kind: 'hidden' };
    if (others.length === 0) return this.visibilityAt(first);
    const key = matching.join();
    const known = this.combined.get(key);
    if (known !== undefined) return known;
    const combined = others.map((index) => this.visibilityAt(index)).reduce(together, this.visibilityAt(first));
    // Which grants match depends on rows: a resource with many conditions must not fill the memory.
    if (this.combined.size < 1_000) this.combined.set(key, combined);
    return combined;
  }

  restricted(path: string): boolean {
    return this.rules.some(({ visibility }) => !isClear(follow(visibility, path)));
  }

  private visibilityAt(index: number): Visibility {
    return this.rules[index]?.visibility ?? { kind: 'hidden' };
  }
}
