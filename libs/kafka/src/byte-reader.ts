import { MalformedBytes } from './errors';

/** Reads Kafka's primitive types with every bound checked; whatever does not fit throws MalformedBytes. */
export class ByteReader {
  constructor(
    readonly bytes: Buffer,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  skip(length: number): void {
    if (length < 0 || length > this.left)
      throw new MalformedBytes(`${length} bytes are asked where ${this.left} are left`);
    this.at += length;
  }

  take(length: number): Buffer {
    const start = this.at;
    this.skip(length);
    return this.bytes.subarray(start, this.at);
  }

  int8(): number {
    this.skip(1);
    return this.bytes.readInt8(this.at - 1);
  }

  int16(): number {
    this.skip(2);
    return this.bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.skip(4);
    return this.bytes.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.skip(8);
    return this.bytes.readBigInt64BE(this.at - 8);
  }

  /** Zigzag varint of at most 5 bytes, as record fields have it. */
  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  uvarint(): number {
    if (this.at < this.end) {
      const byte = this.bytes[this.at] as number;
      // Nearly always: lengths and deltas of most records have one byte.
      if (byte < 0x80) {
        this.at += 1;
        return byte;
      }
    }
    return this.longUvarint();
  }

  /** Zigzag varint of at most 10 bytes as a double: exact to 2^53, which is enough for the times that it carries. */
  varlong(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.at >= this.end) throw new MalformedBytes('a varlong is cut off');
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new MalformedBytes('a varlong is longer than 10 bytes');
  }

  string(): string {
    return this.nullableString() ?? fail('a string is null');
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.take(length).toString('utf8');
  }

  compactString(): string {
    return this.compactNullableString() ?? fail('a string is null');
  }

  compactNullableString(): string | null {
    const length = this.uvarint();
    return length === 0 ? null : this.take(length - 1).toString('utf8');
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.take(length);
  }

  compactNullableBytes(): Buffer | null {
    const length = this.uvarint();
    return length === 0 ? null : this.take(length - 1);
  }

  array<T>(read: (reader: ByteReader) => T): T[] {
    return this.items(this.int32(), read);
  }

  compactArray<T>(read: (reader: ByteReader) => T): T[] {
    return this.items(this.uvarint() - 1, read);
  }

  /** Tagged fields of the flexible versions: `read` gets those that it may want, all others are passed over. */
  tags(read?: (tag: number, field: ByteReader) => void): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      const tag = this.uvarint();
      const field = this.take(this.uvarint());
      read?.(tag, new ByteReader(field));
    }
  }

  private longUvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.end) throw new MalformedBytes('a varint is cut off');
      const byte = this.bytes[this.at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedBytes('a varint is longer than 5 bytes');
  }

  private items<T>(count: number, read: (reader: ByteReader) => T): T[] {
    // Every item has at least one byte: a count beyond what is left is a lie, and must not size an array.
    if (count > this.left) throw new MalformedBytes(`an array claims ${count} items in ${this.left} bytes`);
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(read(this));
    return items;
  }
}

function fail(message: string): never {
  throw new MalformedBytes(message);
}
