/** Appends an unsigned integer in groups of seven bits, lowest first. */
export function writeVarint(out: number[], value: bigint): void {
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

/** Reads varints one after the other; undefined where the bytes end too early or name more than 63 bits. */
export class VarintReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at = 0,
  ) {}

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  next(): bigint | undefined {
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  uint32(): number | undefined {
    if (this.at + 4 > this.bytes.length) return undefined;
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at).getUint32(0);
    this.at += 4;
    return value;
  }
}
