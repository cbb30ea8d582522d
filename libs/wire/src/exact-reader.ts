import { Reader } from 'protobufjs/minimal';

/** Declared as Long, though the generated code is made for numbers (--force-number). */
type Declared = ReturnType<Reader['sint64']>;

const two25 = 2 ** 25;
const two26 = 2 ** 26;
const two27 = 2 ** 27;
const two28 = 2 ** 28;
/** No frame of ours has more strings, byte fields, messages and packed lists than this. */
const maxDelimited = 2_048;

/**
 * Reads 64-bit integers as exact numbers: NaN beyond ±2⁵³, where protobufjs would round in silence. Refuses groups, which
 * no message of ours has, and more parts than any message needs, before objects are made of them.
 */
export class ExactReader extends Reader {
  private delimited = 0;
  private low = 0;
  private high = 0;

  constructor(buffer: Uint8Array) {
    super(buffer);
    this.discardUnknown = true;
  }

  override size(): number {
    this.delimited += 1;
    if (this.delimited > maxDelimited) throw new RangeError(`more than ${maxDelimited} parts`);
    return super.size();
  }

  override skipType(wireType: number, depth?: number, fieldNumber?: number): Reader {
    if (wireType === 3 || wireType === 4) throw new RangeError('groups are not used here');
    return super.skipType(wireType, depth, fieldNumber);
  }

  override uint64(): Declared {
    this.readVarint();
    const beyond = this.high > two25 || (this.high === two25 && this.low !== 0);
    return (beyond ? Number.NaN : this.high * two28 + this.low) as unknown as Declared;
  }

  override sint64(): Declared {
    this.readVarint();
    return this.zigzag() as unknown as Declared;
  }

  override sint64s(array: unknown[] = []): Declared[] {
    const end = this.size() + this.pos;
    if (end > this.len) throw new RangeError('a list ends after its message');
    while (this.pos < end) {
      this.readVarint();
      array.push(this.zigzag());
    }
    if (this.pos !== end) throw new RangeError('a list ends inside a number');
    return array as Declared[];
  }

  private zigzag(): number {
    if (this.high > two26 || (this.high === two26 && this.low !== 0)) return Number.NaN;
    const half = this.high * two27 + (this.low >>> 1);
    return (this.low & 1) === 0 ? half : -half - 1;
  }

  /** Into `low` (28 bits) and `high` (36 bits, or more when the bytes are no 64-bit integer). */
  private readVarint(): void {
    this.low = 0;
    this.high = 0;
    for (let index = 0, byte = 0x80; byte >= 0x80; index += 1) {
      if (this.pos >= this.len || index === 10) throw new RangeError('a number does not end');
      byte = this.buf[this.pos++] ?? 0;
      const bits = byte & 0x7f;
      if (index < 4) this.low += bits << (7 * index);
      else this.high += bits * 2 ** (7 * (index - 4));
    }
  }
}
