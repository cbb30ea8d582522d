/** Bytes that grow while they are written. */
export class ByteWriter {
  private buffer = Buffer.alloc(256);
  private length = 0;

  byte(value: number): this {
    this.room(1);
    this.buffer[this.length++] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.room(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
    return this;
  }

  float32(value: number, littleEndian: boolean): this {
    const bytes = Buffer.alloc(4);
    if (littleEndian) bytes.writeFloatLE(value);
    else bytes.writeFloatBE(value);
    return this.bytes(bytes);
  }

  /** Big endian. */
  uint(value: number | bigint, bytes: 1 | 2 | 4 | 8): this {
    for (let shift = BigInt(8 * (bytes - 1)); shift >= 0n; shift -= 8n)
      this.byte(Number((BigInt(value) >> shift) & 0xffn));
    return this;
  }

  finish(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.alloc(2 * (this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
