import { ByteReader } from './byte-reader';

/** One record as it stands in the log. `key` and `value` are views of the fetched bytes: copy what you keep for long. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch as the producer wrote it; −1 when there is none or it cannot be a time. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In order, repeats and null values kept; decoded on each call. */
  headers(): [string, Buffer | null][];
}

/** What the records of one batch share. */
export interface RecordSource {
  topic: string;
  partition: number;
  baseOffset: bigint;
  baseTimeMs: number;
  /** The batch's records, decompressed. */
  bytes: Buffer;
}

/** Knows where it stands in checked bytes, and makes of them what it is asked for: most readers want little of it. */
export class FetchedRecord implements KafkaRecord {
  private keyView: Buffer | null = null;
  private valueView: Buffer | null = null;

  constructor(
    private readonly source: RecordSource,
    private readonly offsetDelta: number,
    private readonly timeDelta: number,
    /** Where the key's length stands; value and headers follow. */
    private readonly keyAt: number,
  ) {}

  get topic(): string {
    return this.source.topic;
  }

  get partition(): number {
    return this.source.partition;
  }

  get offset(): bigint {
    return this.source.baseOffset + BigInt(this.offsetDelta);
  }

  get timestampMs(): number {
    const timeMs = this.source.baseTimeMs + this.timeDelta;
    return Number.isSafeInteger(timeMs) && timeMs >= 0 ? timeMs : -1;
  }

  get key(): Buffer | null {
    return (this.keyView ??= varBytes(this.reader()));
  }

  get value(): Buffer | null {
    return (this.valueView ??= varBytes(this.behindKey()));
  }

  headers(): [string, Buffer | null][] {
    const reader = this.behindKey();
    reader.skip(Math.max(reader.varint(), 0));
    const headers: [string, Buffer | null][] = [];
    for (let left = reader.varint(); left > 0; left -= 1) {
      headers.push([reader.take(reader.varint()).toString('utf8'), varBytes(reader)]);
    }
    return headers;
  }

  private reader(): ByteReader {
    return new ByteReader(this.source.bytes, this.keyAt);
  }

  private behindKey(): ByteReader {
    const reader = this.reader();
    reader.skip(Math.max(reader.varint(), 0));
    return reader;
  }
}

function varBytes(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.take(length);
}
