import type { Principal } from '@tidegate/auth';
import type { Catalog, Stream } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Policy, View } from '@tidegate/policy';
import type { Belongings } from './belongings';
import type { CursorOwner } from './cursor';
import { Filter, Filters } from './filters';
import { isScoped, scopedStream, type Scope, type ScopedStream } from './scoped-stream';
import { Sight } from './sight';
import type { StreamStart } from './start';

/** What a caller has asked for and may have. */
export interface Admitted {
  sight: Sight;
  /** The stream whose records these are, with the topics that the caller may read: where the name is a view's, the one that it is a view of. */
  base: ScopedStream;
  owner: CursorOwner;
  /** What the same caller sees with another credential; undefined when that is nothing any more. */
  sightOf: (principal: Principal) => Sight | undefined;
}

export interface AdmissionOptions {
  catalog: Catalog;
  policy: Pick<Policy, 'view'>;
  maxFilters: number;
}

/** Whether a caller may follow a stream in the way that it asks for, before anything is read. */
export class Admission {
  private readonly filters = new Map<string, Filters>();
  private readonly scoped = new Map<string, ScopedStream>();
  private catalog: Catalog;
  private policy: Pick<Policy, 'view'>;
  private readonly maxFilters: number;

  constructor({ catalog, policy, maxFilters }: AdmissionOptions) {
    this.catalog = catalog;
    this.policy = policy;
    this.maxFilters = maxFilters;
  }

  /** Of those who are admitted already, what they see comes from these, too. */
  change(catalog: Catalog, policy: Pick<Policy, 'view'>): void {
    this.catalog = catalog;
    this.policy = policy;
    this.scoped.clear();
  }

  get policyVersion(): string {
    return this.catalog.version;
  }

  /** The stream of the name, or the one that it is a view of, as it is for those who read in a scope. */
  base(name: string, scope: Scope): ScopedStream | undefined {
    const { streams, tenants } = this.catalog;
    const named = streams.get(name);
    const stream = named?.view === undefined ? named : streams.get(named.view.from);
    if (stream === undefined || !isScoped(stream)) return stream;
    const key = JSON.stringify([stream.name, scope]);
    const scoped = this.scoped.get(key) ?? scopedStream(stream, scope, tenants);
    if (scoped.sources.length === 0) return undefined;
    this.scoped.set(key, scoped);
    return scoped;
  }

  /** @throws AppError `not_found`, `mode_not_offered`, `invalid_argument`, `unavailable` (too many different filters) */
  admit(principal: Principal, name: string, start: StreamStart, belongings: Belongings): Admitted {
    const view = this.policy.view(principal, name);
    const stream = this.catalog.streams.get(name);
    const base = view && this.base(name, scopeOf(principal, view));
    // Unknown, ungranted, and a resource that is no stream: nobody learns which.
    if (view === undefined || stream === undefined || base === undefined) throw notFound();
    checkMode(start, stream);
    const filter = start.where === undefined ? undefined : this.filter(stream, start.where, view, belongings);
    const sighted = (who: Principal, seen: View, of: Stream) =>
      new Sight({ stream: name, view: seen, scope: scopeOf(who, seen), share: shareOf(of), filter });
    const sightOf = (other: Principal) => {
      const [now, there] = [this.policy.view(other, name), this.catalog.streams.get(name)];
      if (now === undefined || there === undefined || filter?.restrictedField(now) !== undefined) return undefined;
      return sighted(other, now, there);
    };
    const owner = { stream: name, tenant: principal.tenant, subject: principal.subject };
    return { sight: sighted(principal, view, stream), base, owner, sightOf };
  }

  private filter(stream: Stream, where: string, view: View, belongings: Belongings): Filter {
    const { name, schema } = stream;
    const key = `${name} ${schema}`;
    const known = this.filters.get(key);
    const filters = known ?? new Filters(contractShapes[schema], this.maxFilters);
    if (known === undefined) this.filters.set(key, filters);
    const filter = filters.acquire(where, view);
    belongings.keep(() => filters.release(filter));
    return filter;
  }
}

/** Nobody reads topics whose rows none of its grants may show. */
function scopeOf({ tenant }: Principal, { crossesTenants }: View): Scope {
  // Of no tenant's name.
  return crossesTenants ? 'all' : { tenant: tenant ?? '' };
}

function shareOf({ view }: Stream): Filter | undefined {
  return view && new Filter(view.where);
}

function checkMode({ mode, from, delivery }: StreamStart, { latest }: Stream): void {
  if (mode !== 'latest') return;
  if (latest === undefined) throw notOffered('The stream offers mode=events only.');
  if (from !== undefined && from !== 'latest') throw unfit('from', 'mode=latest begins with the last values');
  if (delivery === 'at-most-once') throw unfit('delivery', 'last values are sent again after a cut');
}

function unfit(field: string, reason: string): AppError {
  const detail = `Not with mode=latest: ${reason}; leave it out.`;
  return new AppError('invalid_argument', `${field}: ${detail}`, { details: [{ pointer: `/${field}`, detail }] });
}

export function notOffered(detail: string): AppError {
  return new AppError('mode_not_offered', detail, { details: [{ pointer: '/mode', detail }] });
}

export function notFound(): AppError {
  return new AppError('not_found', 'There is no such stream.');
}
