/** Writes Kafka's primitive types into one growing buffer. */
export class ByteWriter {
  private bytes: Buffer;
  private at = 0;

  constructor(size = 256) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  int8(value: number): this {
    this.grow(1);
    this.at = this.bytes.writeInt8(value, this.at);
    return this;
  }

  int16(value: number): this {
    this.grow(2);
    this.at = this.bytes.writeInt16BE(value, this.at);
    return this;
  }

  int32(value: number): this {
    this.grow(4);
    this.at = this.bytes.writeInt32BE(value, this.at);
    return this;
  }

  int64(value: bigint): this {
    this.grow(8);
    this.at = this.bytes.writeBigInt64BE(value, this.at);
    return this;
  }

  uvarint(value: number): this {
    this.grow(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
    return this;
  }

  raw(value: Buffer): this {
    this.grow(value.length);
    value.copy(this.bytes, this.at);
    this.at += value.length;
    return this;
  }

  string(value: string): this {
    const encoded = Buffer.from(value, 'utf8');
    return this.int16(encoded.length).raw(encoded);
  }

  compactString(value: string): this {
    const encoded = Buffer.from(value, 'utf8');
    return this.uvarint(encoded.length + 1).raw(encoded);
  }

  /** The end of a structure of the flexible versions, and of the header: kafkajs writes the older one, which has none. */
  noTags(): this {
    return this.uvarint(0);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    items.forEach(write);
    return this;
  }

  private grow(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + length));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
