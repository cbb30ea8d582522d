import { AppError } from '@tidegate/errors';
import { OffsetOutOfRange, type KafkaRecord, type RangeRead, type Tail, type TailListener } from '@tidegate/kafka';

export interface NewRecord {
  key?: string | null;
  value: string | Buffer | null;
  headers?: Record<string, string>;
  timestampMs?: number;
}

interface Partition {
  /** A hole where nothing was kept: compacted away, aborted, or a transaction marker. */
  slots: (KafkaRecord | 'hole')[];
  base: bigint;
}

interface MemoryTail {
  topic: string;
  listener: TailListener;
  positions: bigint[];
  scheduled: boolean;
  closed: boolean;
}

/** A log in memory that behaves as Kafka's partitions do, for specs; `delay` is where they put their chaos. */
export class MemoryLog {
  private readonly topics = new Map<string, { id: string; partitions: Partition[] }>();
  private readonly openTails = new Set<MemoryTail>();
  private created = 0;
  down = false;
  readsOf = new Map<string, number>();

  constructor(private readonly delay: () => Promise<void> = () => Promise.resolve()) {}

  create(topic: string, partitions = 1): void {
    this.topics.set(topic, {
      id: `${topic}#${++this.created}`,
      partitions: Array.from({ length: partitions }, () => ({ slots: [], base: 0n })),
    });
  }

  append(topic: string, record: NewRecord, partition = 0): bigint {
    const { slots } = this.partition(topic, partition);
    const offset = this.end(topic, partition);
    const bytes = (from: string | Buffer | null = null) => (typeof from === 'string' ? Buffer.from(from) : from);
    const headers = Object.entries(record.headers ?? {}).map(([name, value]): [string, Buffer] => [
      name,
      Buffer.from(value),
    ]);
    slots.push({
      topic,
      partition,
      offset,
      timestampMs: record.timestampMs ?? Date.now(),
      key: bytes(record.key),
      value: bytes(record.value),
      headers: () => headers,
    });
    this.wake(topic);
    return offset;
  }

  appendHole(topic: string, partition = 0): void {
    this.partition(topic, partition).slots.push('hole');
    this.wake(topic);
  }

  /** Retention: everything before `offset` goes. */
  deleteBefore(topic: string, offset: bigint, partition = 0): void {
    const log = this.partition(topic, partition);
    log.slots.splice(0, Number(offset - log.base));
    log.base = offset;
  }

  /** An unclean leader: everything from `offset` on goes. Tails that were further are told. */
  truncate(topic: string, offset: bigint, partition = 0): void {
    const log = this.partition(topic, partition);
    log.slots.splice(Number(offset - log.base));
    for (const tail of this.tailsOf(topic)) {
      if ((tail.positions[partition] ?? 0n) <= offset) continue;
      tail.positions[partition] = offset;
      tail.listener.onReset('truncated', partition, offset);
    }
  }

  /** Deletes the topic and makes it again, with tails watching. */
  recreate(topic: string, partitions = 1): void {
    this.create(topic, partitions);
    for (const tail of this.tailsOf(topic)) {
      tail.positions = Array.from({ length: partitions }, () => 0n);
      tail.positions.forEach((_, partition) => tail.listener.onReset('recreated', partition, 0n));
    }
  }

  /** Tails are told; `recreate` makes it anew. */
  delete(topic: string): void {
    this.topics.delete(topic);
    for (const { listener } of this.tailsOf(topic)) listener.onDeleted();
  }

  grow(topic: string, partitions: number): void {
    const all = this.topic(topic).partitions;
    while (all.length < partitions) {
      all.push({ slots: [], base: 0n });
      for (const tail of this.tailsOf(topic)) {
        tail.positions.push(0n);
        tail.listener.onPartitionAdded(all.length - 1, 0n);
      }
    }
  }

  /** The broker of one topic is away, as its tails see it. */
  silence(topic: string): void {
    for (const { listener } of this.tailsOf(topic)) listener.onUnavailable('no broker answers');
  }

  setDown(down: boolean): void {
    this.down = down;
    for (const { listener } of this.openTails) {
      if (down) listener.onUnavailable('no broker answers');
      else listener.onAvailable();
    }
    if (!down) for (const { topic } of this.openTails) this.wake(topic);
  }

  get tailCount(): number {
    return this.openTails.size;
  }

  end(topic: string, partition = 0): bigint {
    const { slots, base } = this.partition(topic, partition);
    return base + BigInt(slots.length);
  }

  readonly tails = {
    open: async (topic: string, listener: TailListener): Promise<Tail> => {
      await this.reach();
      const { id, partitions } = this.topic(topic);
      const positions = partitions.map((_, partition) => this.end(topic, partition));
      const tail: MemoryTail = { topic, listener, positions: [...positions], scheduled: false, closed: false };
      this.openTails.add(tail);
      const log = this.topics;
      return {
        get topicId() {
          return log.get(topic)?.id ?? id;
        },
        partitions: () =>
          tail.positions.map((_, partition) => ({
            partition,
            startOffset: positions[partition] ?? 0n,
            logStart: partitions[partition]?.base ?? 0n,
          })),
        close: () => {
          tail.closed = true;
          this.openTails.delete(tail);
          return Promise.resolve();
        },
      };
    },
  };

  readonly ranges = {
    readRange: async (topic: string, partition: number, from: bigint, maxBytes: number): Promise<RangeRead> => {
      this.readsOf.set(topic, (this.readsOf.get(topic) ?? 0) + 1);
      await this.reach();
      const { base } = this.partition(topic, partition);
      const end = this.end(topic, partition);
      if (from < base) throw new OffsetOutOfRange('gap', base, end);
      if (from > end) throw new OffsetOutOfRange('rewound', base, end);
      const { records, next } = this.slice(topic, partition, from, maxBytes);
      await this.delay();
      return { records, next, highWatermark: end, lastStable: end, logStart: base };
    },
    topics: async (): Promise<string[]> => {
      await this.reach();
      return [...this.topics.keys()];
    },
    offsets: async (topic: string, at: 'earliest' | 'latest' | number): Promise<bigint[]> => {
      await this.reach();
      return this.topic(topic).partitions.map(({ base, slots }, partition) => {
        if (at === 'earliest') return base;
        if (at === 'latest') return this.end(topic, partition);
        const index = slots.findIndex((slot) => slot !== 'hole' && slot.timestampMs >= at);
        return index < 0 ? this.end(topic, partition) : base + BigInt(index);
      });
    },
  };

  private slice(
    topic: string,
    partition: number,
    from: bigint,
    maxBytes: number,
  ): { records: KafkaRecord[]; next: bigint } {
    const { slots, base } = this.partition(topic, partition);
    const records: KafkaRecord[] = [];
    let bytes = 0;
    let next = from;
    for (const slot of slots.slice(Number(from - base))) {
      if (bytes >= maxBytes) break;
      next++;
      if (slot === 'hole') continue;
      records.push(slot);
      bytes += slot.value?.length ?? 0;
    }
    return { records, next };
  }

  private wake(topic: string): void {
    for (const tail of this.tailsOf(topic)) {
      if (tail.scheduled) continue;
      tail.scheduled = true;
      void this.delay().then(() => {
        tail.scheduled = false;
        if (!tail.closed && !this.down) this.push(tail);
      });
    }
  }

  private push(tail: MemoryTail): void {
    tail.positions.forEach((position, partition) => {
      if (position >= this.end(tail.topic, partition)) return;
      const { records, next } = this.slice(tail.topic, partition, position, 1_000_000);
      tail.positions[partition] = next;
      tail.listener.onRecords(partition, records, next);
    });
  }

  private tailsOf(topic: string): MemoryTail[] {
    return [...this.openTails].filter((tail) => tail.topic === topic);
  }

  private async reach(): Promise<void> {
    await this.delay();
    if (this.down) throw new AppError('unavailable', 'Kafka cannot be reached.');
  }

  private topic(name: string): { id: string; partitions: Partition[] } {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new AppError('not_found', `There is no topic ${name}.`);
    return topic;
  }

  private partition(topic: string, partition: number): Partition {
    const found = this.topic(topic).partitions[partition];
    if (found === undefined) throw new AppError('unavailable', `There is no partition ${partition} of ${topic}.`);
    return found;
  }
}
