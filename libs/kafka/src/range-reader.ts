import type { KafkaDeps, KafkaOptions } from './options';
import type { KafkaRecord } from './record-batch';

export interface RangeRead {
  records: KafkaRecord[];
  /** Where to read on: behind the last record, and behind every hole, marker and aborted record seen. */
  next: bigint;
  highWatermark: bigint;
  /** Committed data ends here; records behind it belong to open transactions. */
  lastStable: bigint;
  logStart: bigint;
}

export interface TopicInfo {
  /** A topic that is deleted and made again gets another id. */
  topicId: string;
  partitions: number;
}

/** A number is a time in milliseconds since the epoch: the first offset whose record is not older. */
export type OffsetsAt = 'earliest' | 'latest' | number;

export class RangeReader {
  constructor(_options: KafkaOptions, _deps: KafkaDeps) {}
  readRange(_topic: string, _partition: number, _from: bigint, _maxBytes: number): Promise<RangeRead> {
    return Promise.reject(new Error('not written yet'));
  }
  topic(_name: string): Promise<TopicInfo> {
    return Promise.reject(new Error('not written yet'));
  }
  offsets(_topic: string, _at: OffsetsAt): Promise<bigint[]> {
    return Promise.reject(new Error('not written yet'));
  }
  check(): Promise<{ ok: true } | { ok: false; reason: string }> {
    return Promise.resolve({ ok: true });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
