import type { JsonObject, ObjectShape } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { compileCondition, type Condition } from '@tidegate/expression';
import type { View } from '@tidegate/policy';
import { createHash } from 'node:crypto';

const nobody: JsonObject = { id: '', roles: [], claims: {} };

/** A condition over rows that is the same for all: of a client's over those that it may see, or of a view of the catalog. */
export class Filter {
  readonly id: string;

  constructor(private readonly condition: Condition) {
    this.id = createHash('sha256').update(condition.source).digest('base64url').slice(0, 22);
  }

  get source(): string {
    return this.condition.source;
  }

  /** A row that it cannot be judged for does not match. */
  matches(row: JsonObject): boolean {
    return this.condition.evaluate({ row, sub: nobody }) === 'match';
  }

  /** The first part of the row that it reads and the caller may not see everywhere: what matches would tell what is hidden. */
  restrictedField(view: Pick<View, 'restricted'>): string | undefined {
    return this.condition.uses.paths.find((path) => view.restricted(path));
  }
}

/** The filters in use on one stream. Equal ones are one, so that those who use it share its work. */
export class Filters {
  private readonly shared = new Map<string, { filter: Filter; users: number }>();

  constructor(
    private readonly shape: ObjectShape,
    private readonly maxFilters: number,
  ) {}

  /**
   * Each one wants a `release`.
   * @throws AppError `invalid_argument` for what is no condition over fields that the caller may filter by, `unavailable` when
   * there are too many different ones
   */
  acquire(source: string, view: Pick<View, 'restricted'>): Filter {
    const shared = this.shared.get(source);
    const filter = shared?.filter ?? compile(source, this.shape);
    const restricted = filter.restrictedField(view);
    if (restricted !== undefined) throw refusal(`row.${restricted} is not yours to filter by; leave it out.`);
    if (shared !== undefined) shared.users++;
    else this.add(source, filter);
    return filter;
  }

  release({ source }: Filter): void {
    const shared = this.shared.get(source);
    if (shared !== undefined && --shared.users === 0) this.shared.delete(source);
  }

  get size(): number {
    return this.shared.size;
  }

  private add(source: string, filter: Filter): void {
    if (this.shared.size >= this.maxFilters) {
      const detail = `where: The stream serves ${this.maxFilters} different filters already; leave it out, or try again later.`;
      throw new AppError('unavailable', detail, { retryAfterMs: 5_000 });
    }
    this.shared.set(source, { filter, users: 1 });
  }
}

function compile(source: string, shape: ObjectShape): Filter {
  const condition = readCondition(source, shape);
  if (condition.uses.sub.length > 0) throw refusal('sub is not available here; name the value itself.');
  return new Filter(condition);
}

function readCondition(source: string, row: ObjectShape): Condition {
  try {
    return compileCondition(source, { row });
  } catch (error) {
    throw AppError.is(error) && error.code === 'invalid_argument' ? refusal(error.message) : error;
  }
}

function refusal(detail: string): AppError {
  return new AppError('invalid_argument', `where: ${detail}`, { details: [{ pointer: '/where', detail }] });
}
