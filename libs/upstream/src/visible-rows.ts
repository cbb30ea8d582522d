import { auditNotes } from '@tidegate/audit';
import { type Principal } from '@tidegate/auth';
import { type JsonObject, type JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { type Policy, type View } from '@tidegate/policy';

/** Answers unknown, ungranted and filtered rows alike, so that nobody learns what exists. */
function notFound(): AppError {
  return new AppError('not_found', 'There is no such resource for this caller.');
}

/** What services return, cut down to what the caller may see; the audit event of the request says how much that was. */
export class VisibleRows {
  constructor(private readonly policy: Policy) {}

  /** @throws AppError `not_found` when the row is not for this caller. */
  one(principal: Principal, resource: string, row: JsonObject): JsonObject {
    const view = this.view(principal, resource);
    const visible = view.apply(row);
    this.note(resource, view, visible === undefined ? 0 : 1, 1);
    if (visible === undefined) throw notFound();
    return visible;
  }

  /** The rows of `items` that the caller may see; what is not an object is left out. */
  many(principal: Principal, resource: string, items: JsonValue | undefined): JsonObject[] {
    const view = this.view(principal, resource);
    if (!Array.isArray(items)) throw new AppError('upstream_failed', 'A service gave an unexpected answer.');
    const visible = items.flatMap((item): JsonObject[] => {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) return [];
      const row = view.apply(item);
      return row === undefined ? [] : [row];
    });
    this.note(resource, view, visible.length, items.length);
    return visible;
  }

  /**
   * What the caller may see of a resource, for those who ask a service only then; and whether it may look rows up by the
   * fields in `by`, which would tell whether there is one with a value that a mask hides.
   * @throws AppError `not_found` when that is nothing at all.
   */
  view(principal: Principal, resource: string, by: readonly string[] = []): View {
    const view = this.policy.view(principal, resource);
    if (view === undefined || by.some((field) => view.restricted(field))) throw notFound();
    return view;
  }

  private note(stream: string, { grantIds }: View, given: number, of: number): void {
    const { version: policyVersion } = this.policy;
    auditNotes.add({ stream, grants: grantIds, policyVersion, given, heldBack: of - given });
  }
}
