/** One record as it stands in the log. `key` and `value` are views of the fetched bytes: copy what you keep for long. */
export interface KafkaRecord {
  topic: string;
  partition: number;
  offset: bigint;
  /** Milliseconds since the epoch as written; −1 when the producer set none, and not to be trusted otherwise. */
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  /** In order, repeats and null values kept; decoded on each call. */
  headers(): [string, Buffer | null][];
}
