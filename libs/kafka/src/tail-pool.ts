import type { KafkaDeps, KafkaOptions } from './options';
import type { KafkaRecord } from './record-batch';

export type TailPoolOptions = KafkaOptions;

/** recreated: the topic was deleted and made again; truncated: the log ends before our position; retention: it starts after it. */
export type ResetReason = 'recreated' | 'truncated' | 'retention';

export interface TailPartition {
  partition: number;
  /** The first offset that this tail delivers. */
  startOffset: bigint;
  logStart: bigint;
}

export interface TailListener {
  /** In offset order per partition. `next` is the position after them; `records` is empty when only markers or aborted records passed. */
  onRecords(partition: number, records: KafkaRecord[], next: bigint): void;
  /** Reading goes on at `next`; what lay between cannot be had. */
  onReset(reason: ResetReason, partition: number, next: bigint): void;
  onPartitionAdded(partition: number, startOffset: bigint): void;
  /** The topic is gone; the tail ends unless it is made again. */
  onDeleted(): void;
  /** Fetches fail for a while now; the tail keeps trying. */
  onUnavailable(reason: string): void;
  onAvailable(): void;
}

export interface Tail {
  readonly topicId: string;
  partitions(): TailPartition[];
  close(): Promise<void>;
}

export class TailPool {
  constructor(_options: TailPoolOptions, _deps: KafkaDeps) {}
  open(_topic: string, _listener: TailListener): Promise<Tail> {
    return Promise.reject(new Error('not written yet'));
  }
  check(): Promise<{ ok: true } | { ok: false; reason: string }> {
    return Promise.resolve({ ok: true });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
