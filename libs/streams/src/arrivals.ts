import type { StreamRecord } from './stream-record';

interface Arrival {
  source: number;
  partition: number;
  records: readonly StreamRecord[];
  /** The position after them. */
  next: bigint;
}

/** Records of one kind that go out together, and where every partition stands after them. */
export interface Run {
  records: StreamRecord[];
  moves: { source: number; partition: number; next: bigint }[];
}

/** What has come and was not given to anybody yet, in the order in which it came. */
export class Arrivals {
  private queue: Arrival[] = [];
  /** Records of the first that were taken. */
  private taken = 0;

  get pending(): boolean {
    return this.queue.length > 0;
  }

  add(arrival: Arrival): void {
    this.queue.push(arrival);
  }

  clear(): void {
    this.queue = [];
    this.taken = 0;
  }

  /** The next run, up to so many bytes and rows; at least one record. */
  take(maxBytes: number, maxRows: number, rowsIn: (record: StreamRecord) => number): Run {
    const run: Run = { records: [], moves: [] };
    let bytes = 0;
    let rows = 0;
    for (let arrival = this.queue[0]; arrival !== undefined; arrival = this.queue[0]) {
      const { source, partition, records } = arrival;
      for (let record = records[this.taken]; record !== undefined; record = records[++this.taken]) {
        const first = run.records[0] ?? record;
        const full = bytes >= maxBytes || rows >= maxRows;
        if (full || (first.value === null) !== (record.value === null)) {
          run.moves.push({ source, partition, next: record.offset });
          return run;
        }
        run.records.push(record);
        bytes += record.value?.length ?? 0;
        rows += rowsIn(record);
      }
      run.moves.push({ source, partition, next: arrival.next });
      this.queue.shift();
      this.taken = 0;
    }
    return run;
  }
}
