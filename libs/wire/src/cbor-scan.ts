import { FrameError } from './frame-error';

/** Frame, pack, record, decimal. */
const maxDepth = 4;
/** 512 records of a dozen labels, each with a decimal. */
const maxItems = 16_384;
const maxMapPairs = 32;
const decimalTag = 4;
/** An array or map that ends with a break. */
const untilBreak = -1;

/**
 * Refuses, before anything is made of the bytes: what is not exactly one well-formed item, lengths beyond the frame,
 * nesting, tags other than decimals, strings in pieces, undefined, and keys that come twice.
 */
export class CborScan {
  private pos = 0;
  private items = 0;

  constructor(private readonly bytes: Buffer) {}

  /** @throws FrameError */
  check(): void {
    this.item(0);
    if (this.pos !== this.bytes.length) throw refused('bytes follow the frame');
  }

  private item(depth: number): void {
    this.items += 1;
    if (this.items > maxItems) throw refused(`more than ${maxItems} items`);
    const initial = this.byte();
    const argument = initial & 0x1f;
    switch (initial >> 5) {
      case 0:
      case 1:
        this.integer(argument);
        return;
      case 2:
      case 3:
        this.skip(this.length(argument, 1));
        return;
      case 4:
        this.array(argument === 31 ? untilBreak : this.length(argument, 1), depth + 1);
        return;
      case 5:
        this.map(argument === 31 ? untilBreak : this.length(argument, 2), depth + 1);
        return;
      case 6:
        this.tag(argument, depth);
        return;
      default:
        this.simple(argument);
    }
  }

  private array(count: number, depth: number): void {
    if (depth > maxDepth) throw refused(`nested more than ${maxDepth} deep`);
    for (let index = 0; index !== count && !(count === untilBreak && this.isBreak()); index += 1) this.item(depth);
  }

  private map(count: number, depth: number): void {
    if (depth > maxDepth) throw refused(`nested more than ${maxDepth} deep`);
    const keys: (number | string)[] = [];
    for (let index = 0; index !== count && !(count === untilBreak && this.isBreak()); index += 1) {
      if (index === maxMapPairs) throw refused(`a map of more than ${maxMapPairs} pairs`);
      const key = this.key(depth);
      if (keys.includes(key)) throw refused('a key comes twice in a map');
      keys.push(key);
      this.item(depth);
    }
  }

  /** Integers by value, however they are written; text by its bytes. */
  private key(depth: number): number | string {
    const start = this.pos;
    const major = (this.bytes[start] ?? 0) >> 5;
    if (major === 0 || major === 1) {
      this.pos += 1;
      const value = this.integer((this.bytes[start] ?? 0) & 0x1f);
      return major === 0 ? value : -1 - value;
    }
    if (major !== 3) throw refused('a key is neither integer nor text');
    this.item(depth);
    return this.bytes.toString('latin1', start, this.pos);
  }

  private tag(argument: number, depth: number): void {
    const tag = this.integer(argument);
    if (tag !== decimalTag) throw refused(`tag ${tag}; only decimals (tag ${decimalTag}) are taken`);
    if (this.byte() !== 0x82 || depth + 1 > maxDepth) throw refused('a decimal is an array of exponent and mantissa');
    for (let part = 0; part < 2; part += 1) {
      const initial = this.byte();
      if (initial >> 5 > 1) throw refused('a decimal is made of two integers');
      this.integer(initial & 0x1f);
    }
  }

  private simple(argument: number): void {
    const floatBytes = { 25: 2, 26: 4, 27: 8 }[argument];
    if (floatBytes !== undefined) this.skip(floatBytes);
    // false, true, null
    else if (argument < 20 || argument > 22) throw refused('a simple value that is not taken');
  }

  private isBreak(): boolean {
    if (this.bytes[this.pos] !== 0xff) return false;
    this.pos += 1;
    return true;
  }

  /** A length, or a count of parts of at least `partBytes`, judged by the bytes that are left. */
  private length(argument: number, partBytes: number): number {
    const length = this.integer(argument);
    if (length * partBytes > this.bytes.length - this.pos) throw refused('a length goes beyond the frame');
    return length;
  }

  /** Approximately, where it does not fit a double. */
  private integer(argument: number): number {
    if (argument < 24) return argument;
    if (argument > 27) throw refused('an integer of no length');
    const start = this.pos;
    this.skip(1 << (argument - 24));
    if (argument === 24) return this.bytes[start] ?? 0;
    if (argument === 25) return this.bytes.readUInt16BE(start);
    if (argument === 26) return this.bytes.readUInt32BE(start);
    return this.bytes.readUInt32BE(start) * 2 ** 32 + this.bytes.readUInt32BE(start + 4);
  }

  private byte(): number {
    const byte = this.bytes[this.pos];
    if (byte === undefined) throw refused('the frame ends too early');
    this.pos += 1;
    return byte;
  }

  private skip(bytes: number): void {
    if (bytes > this.bytes.length - this.pos) throw refused('the frame ends too early');
    this.pos += bytes;
  }
}

function refused(what: string): FrameError {
  return new FrameError('malformed', `CBOR: ${what}`);
}
