type Offsets = (bigint | undefined)[];

/** What was acknowledged of one topic, and what of it is stored. Neither ever goes back. */
export class DurableProgress {
  private readonly acked: Offsets = [];
  private readonly stored: Offsets = [];

  ack(offsets: readonly bigint[]): void {
    offsets.forEach((offset, partition) => raise(this.acked, partition, offset));
  }

  store(partition: number, offset: bigint): void {
    raise(this.stored, partition, offset);
  }

  /** What is to be stored next; undefined when that would change nothing. */
  get next(): bigint[] | undefined {
    const ahead = this.acked.some((offset, partition) => offset !== undefined && offset > this.storedAt(partition));
    if (!ahead) return undefined;
    const count = Math.max(this.acked.length, this.stored.length);
    return Array.from({ length: count }, (_, p) => larger(this.acked[p] ?? 0n, this.stored[p] ?? 0n));
  }

  /** The next offset of each partition; undefined when nothing is stored. */
  get position(): bigint[] | undefined {
    return this.stored.length === 0 ? undefined : Array.from(this.stored, (offset) => offset ?? 0n);
  }

  private storedAt(partition: number): bigint {
    return this.stored[partition] ?? -1n;
  }
}

function raise(offsets: Offsets, partition: number, offset: bigint): void {
  if (offset > (offsets[partition] ?? -1n)) offsets[partition] = offset;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
