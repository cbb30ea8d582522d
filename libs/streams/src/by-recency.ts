export interface Recent<T> {
  readonly key: string;
  /** Grows with every change of any key. */
  readonly seq: number;
  readonly item: T;
  /** Another one has taken its place, or none. */
  stale: boolean;
}

/** Beyond twice what is there, places of changed and removed items are given back. */
const slack = 1_024;

/** Items by key that can also be walked from any change on, in the order in which they changed last. */
export class ByRecency<T> {
  private readonly items = new Map<string, Recent<T>>();
  private order: Recent<T>[] = [];
  private first = 0;

  get size(): number {
    return this.items.size;
  }

  get(key: string): T | undefined {
    return this.items.get(key)?.item;
  }

  /** `seq` must be above all that were given before. */
  set(key: string, item: T, seq: number): void {
    this.delete(key);
    const recent = { key, seq, item, stale: false };
    this.items.set(key, recent);
    this.order.push(recent);
    if (this.order.length > 2 * this.items.size + slack) this.compact();
  }

  delete(key: string): T | undefined {
    const recent = this.items.get(key);
    if (recent === undefined) return undefined;
    recent.stale = true;
    this.items.delete(key);
    return recent.item;
  }

  clear(): void {
    this.items.clear();
    this.order = [];
    this.first = 0;
  }

  /** The one that has not changed for longest. */
  oldest(): Recent<T> | undefined {
    while (this.order[this.first]?.stale === true) this.first++;
    return this.order[this.first];
  }

  /** What changed after `seq`. Take no more after anything could have changed. */
  *since(seq: number): Generator<Recent<T>, void, undefined> {
    for (let index = this.indexAfter(seq); index < this.order.length; index++) {
      const recent = this.order[index];
      if (recent?.stale === false) yield recent;
    }
  }

  private indexAfter(seq: number): number {
    let low = this.first;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.order[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compact(): void {
    this.order = this.order.filter(({ stale }) => !stale);
    this.first = 0;
  }
}
