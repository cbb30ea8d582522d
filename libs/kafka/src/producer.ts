import type { KafkaDeps, KafkaOptions } from './options';

export type ProducerOptions = KafkaOptions & {
  /** Deadline of a record, from `send` to its acknowledgement; 10 s by default. */
  timeoutMs?: number;
  /** Bytes that may wait or be in flight in all queues together; 64 MiB by default. */
  maxQueueBytes?: number;
  /** Largest record accepted; 1,000,000 bytes by default, a little below the broker's own limit. */
  maxRecordBytes?: number;
};

export interface ProducerRecord {
  topic: string;
  key: string | Buffer | null;
  /** null is a tombstone. */
  value: string | Buffer | null;
  headers?: Record<string, string | Buffer>;
  /** Default: by murmur2 of the key as Java's producer does it, else round robin. */
  partition?: number;
}

export interface SendOptions {
  timeoutMs?: number;
}

/** Where an acknowledged record stands; `offset` is a decimal string. */
export interface Placement {
  topic: string;
  partition: number;
  offset: string;
}

export class Producer {
  constructor(_options: ProducerOptions, _deps: KafkaDeps) {}
  send(_record: ProducerRecord, _options: SendOptions = {}): Promise<Placement> {
    return Promise.reject(new Error('not written yet'));
  }
  check(): Promise<{ ok: true } | { ok: false; reason: string }> {
    return Promise.resolve({ ok: true });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
