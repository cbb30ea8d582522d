import type { Principal } from '@tidegate/auth';
import type { Catalog, Stream } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Policy, View } from '@tidegate/policy';
import type { Belongings } from './belongings';
import type { CursorOwner } from './cursor';
import { Filter, Filters } from './filters';
import { Sight } from './sight';
import type { StreamStart } from './start';

/** What a caller has asked for and may have. */
export interface Admitted {
  sight: Sight;
  /** The stream whose records these are: a view's is another one than the owner's. */
  channel: string;
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

  policy: Pick<Policy, 'view'>;

  constructor(private readonly options: AdmissionOptions) {
    this.policy = options.policy;
  }

  /** @throws AppError `not_found`, `mode_not_offered`, `invalid_argument`, `unavailable` (too many different filters) */
  admit(principal: Principal, name: string, start: StreamStart, belongings: Belongings): Admitted {
    const view = this.policy.view(principal, name);
    const stream = this.options.catalog.streams.get(name);
    // Unknown, ungranted, and a resource that is no stream: nobody learns which.
    if (view === undefined || stream === undefined) throw notFound();
    checkMode(start, stream);
    const filter = start.where === undefined ? undefined : this.filter(stream, start.where, view, belongings);
    const share = stream.view && new Filter(stream.view.where);
    const sightOf = (other: Principal) => {
      const now = this.policy.view(other, name);
      if (now === undefined || filter?.restrictedField(now) !== undefined) return undefined;
      return new Sight({ stream: name, view: now, share, filter });
    };
    const owner = { stream: name, tenant: principal.tenant, subject: principal.subject };
    const sight = new Sight({ stream: name, view, share, filter });
    return { sight, channel: stream.view?.from ?? name, owner, sightOf };
  }

  private filter(stream: Stream, where: string, view: View, belongings: Belongings): Filter {
    const known = this.filters.get(stream.name);
    const filters = known ?? new Filters(contractShapes[stream.schema], this.options.maxFilters);
    if (known === undefined) this.filters.set(stream.name, filters);
    const filter = filters.acquire(where, view);
    belongings.keep(() => filters.release(filter));
    return filter;
  }
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
