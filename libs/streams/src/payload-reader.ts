import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { isUtf8 } from 'node:buffer';
import { PayloadError } from './payload-format';

/** Deeper than any contract; far from the end of the stack. */
const maxDepth = 100;
/** What a record of 1 MB may be blown up to. */
const maxValues = 250_000;
/** Making digits of a number takes time that grows with its square; 308 decimal digits are as many as a double knows. */
const maxIntegerBytes = 128;

/** Up to here, looking at each byte costs less than calling somebody who does. */
const maxShortText = 48;

/** Reads a payload of a binary format and refuses what no record needs: lengths beyond it, too many values, too deep ones. */
export class PayloadReader {
  private values = 0;
  private depth = 0;

  constructor(
    readonly bytes: Buffer,
    /** Where it stands. */
    public at = 0,
  ) {}

  get length(): number {
    return this.bytes.length;
  }

  get ended(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new PayloadError('it ends too early');
    this.at++;
    return byte;
  }

  peek(): number | undefined {
    return this.bytes[this.at];
  }

  take(length: number): Buffer {
    this.skip(length);
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    if (length < 0 || length > this.bytes.length - this.at) throw new PayloadError('a length goes beyond it');
    this.at += length;
  }

  /** Where so many bytes begin that are read now: cheaper than to take them. */
  pass(length: number): number {
    this.skip(length);
    return this.at - length;
  }

  text(length: number): string {
    const start = this.pass(length);
    if (length <= maxShortText && this.isAscii(start)) return this.bytes.toString('latin1', start, this.at);
    const bytes = this.bytes.subarray(start, this.at);
    if (!isUtf8(bytes)) throw new PayloadError('a text is not UTF-8');
    return bytes.toString();
  }

  base64(length: number): string {
    return this.take(length).toString('base64');
  }

  /** A big-endian integer, in two's complement or unsigned. */
  bigInteger(length: number, signed: boolean): bigint {
    if (length > maxIntegerBytes) throw new PayloadError(`an integer of more than ${maxIntegerBytes} bytes`);
    if (length === 0) return 0n;
    const value = BigInt(`0x${this.take(length).toString('hex')}`);
    return signed ? BigInt.asIntN(length * 8, value) : value;
  }

  /** Seven bits a byte, the lowest first, 64 bits at most. A bigint when it is long. */
  varint(): number | bigint {
    let value = 0;
    for (let index = 0; index < 7; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    let long = BigInt(value);
    for (let index = 7n; index < 10n; index++) {
      const byte = this.byte();
      long += BigInt(byte & 0x7f) << (7n * index);
      if (byte < 0x80) return BigInt.asUintN(64, long);
    }
    throw new PayloadError('a number does not end');
  }

  /** A varint where small negative numbers are short too. */
  zigzag(): number | bigint {
    const value = this.varint();
    if (typeof value === 'number') return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    return (value >> 1n) ^ -(value & 1n);
  }

  /** A varint that counts or measures what follows. */
  size(): number {
    const size = Number(this.varint());
    if (size > this.bytes.length - this.at) throw new PayloadError('a length goes beyond it');
    return size;
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.pass(2));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.pass(4));
  }

  /** To be called for each value, also for those that take no bytes. */
  count(): void {
    if (++this.values > maxValues) throw new PayloadError(`more than ${maxValues} values`);
  }

  nested<T>(read: () => T): T {
    if (++this.depth > maxDepth) throw new PayloadError(`nested more than ${maxDepth} deep`);
    const value = read();
    this.depth--;
    return value;
  }

  private isAscii(start: number): boolean {
    for (let at = start; at < this.at; at++) if ((this.bytes[at] ?? 0) > 0x7f) return false;
    return true;
  }
}

/** Sets a field of its own whatever it is called, as `JSON.parse` does. */
export function setField(object: JsonObject, name: string, value: JsonValue): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
