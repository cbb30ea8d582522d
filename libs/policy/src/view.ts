import type { JsonObject } from '@tidegate/contracts';

/** What one caller may see of one resource. */
export class View {
  constructor(
    /** Equal for callers who see the same. */
    readonly id: string,
    readonly grantIds: readonly string[],
    /** Whether no grant hides or masks anything. */
    readonly seesAllColumns: boolean,
  ) {}

  /** The visible part of a row, the same object when that is all of it; undefined when the row is not visible. */
  apply(_row: JsonObject): JsonObject | undefined {
    return undefined;
  }

  /** Whether any grant hides or masks the field at this path, so that nobody may filter, sort or group by it. */
  restricted(_path: string): boolean {
    return true;
  }
}
