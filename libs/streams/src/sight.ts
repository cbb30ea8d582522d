import type { JsonObject } from '@tidegate/contracts';
import type { View } from '@tidegate/policy';
import type { Filter } from './filters';
import type { Scope } from './scoped-stream';

/** What a reader asks for, and whose eyes it has. */
export interface SightOptions {
  /** The name that it follows; a view of the catalog has one of its own. */
  stream: string;
  view: View;
  /** Whose topics it reads. */
  scope: Scope;
  /** Where the stream is a view of the catalog: which rows of the other one it has. */
  share?: Filter | undefined;
  /** The reader's own. */
  filter?: Filter | undefined;
}

/**
 * What a session sees: of the rows that a stream has its caller's view, and of that what its own filter lets through.
 * With equal ids they see the same.
 */
export class Sight {
  readonly id: string;
  readonly stream: string;

  constructor(
    private readonly options: SightOptions,
    /** What was seen before the view changed, while the reader still has rows of it. */
    private readonly former?: Sight,
  ) {
    const { stream, view, share, filter } = options;
    this.stream = stream;
    const id = JSON.stringify([stream, view.id, share?.id, filter?.id]);
    this.id = former === undefined ? id : `${id} < ${former.id}`;
  }

  /** As it is without the reader's filter: decides about deletes, since the reader may have got an earlier value. */
  get unfiltered(): Pick<View, 'apply'> {
    return { apply: (row) => this.applyView(row) };
  }

  get scope(): Scope {
    return this.options.scope;
  }

  get grantIds(): readonly string[] {
    return this.options.view.grantIds;
  }

  apply(row: JsonObject): JsonObject | undefined {
    const { filter } = this.options;
    const visible = this.applyView(row);
    if (visible === undefined || filter === undefined) return visible;
    return filter.matches(row) ? visible : undefined;
  }

  /** What the reader may have got of a row. */
  hadSeen(row: JsonObject): JsonObject | undefined {
    return this.apply(row) ?? this.former?.hadSeen(row);
  }

  /** This one, for a reader who still has what it saw with another. */
  after(former: Sight): Sight {
    return new Sight(this.options, former);
  }

  /** This one, for a reader who has nothing of former ones any more. */
  get settled(): Sight {
    return this.former === undefined ? this : new Sight(this.options);
  }

  get changing(): boolean {
    return this.former !== undefined;
  }

  private applyView(row: JsonObject): JsonObject | undefined {
    const { share, view } = this.options;
    return share === undefined || share.matches(row) ? view.apply(row) : undefined;
  }
}
