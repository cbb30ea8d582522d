import type { JsonObject } from '@tidegate/contracts';
import type { View } from '@tidegate/policy';
import type { Filter } from './filters';

/** What a session sees: its caller's view, and of that what its own filter lets through. With equal ids they see the same. */
export class Sight {
  readonly id: string;

  constructor(
    /** Decides about deletes alone, since of a deleted entity nothing but its owner may be known. */
    readonly view: View,
    readonly filter?: Filter | undefined,
    /** What was seen before the view changed, while the reader still has rows of it. */
    private readonly former?: Sight,
  ) {
    const parts = [view.id, ...(filter === undefined ? [] : [filter.id])];
    this.id = former === undefined ? parts.join(' ') : `${parts.join(' ')} < ${former.id}`;
  }

  get grantIds(): readonly string[] {
    return this.view.grantIds;
  }

  apply(row: JsonObject): JsonObject | undefined {
    const visible = this.view.apply(row);
    if (visible === undefined || this.filter === undefined) return visible;
    return this.filter.matches(row) ? visible : undefined;
  }

  /** What the reader may have got of a row. */
  hadSeen(row: JsonObject): JsonObject | undefined {
    return this.apply(row) ?? this.former?.hadSeen(row);
  }

  /** This one, for a reader who still has what it saw with another. */
  after(former: Sight): Sight {
    return new Sight(this.view, this.filter, former);
  }

  /** This one, for a reader who has nothing of former ones any more. */
  get settled(): Sight {
    return this.former === undefined ? this : new Sight(this.view, this.filter);
  }

  get changing(): boolean {
    return this.former !== undefined;
  }
}
