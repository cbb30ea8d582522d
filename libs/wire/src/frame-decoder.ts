import { codecIds, type CodecId } from './codec-id';
import { FrameError } from './frame-error';

/** "TGI1" */
const magic = Buffer.from([0x54, 0x47, 0x49, 0x31]);
export const prefaceBytes = 8;
export const lengthBytes = 4;

export const defaultMaxFrameBytes = 65_536;
/** What a frame can be configured to; a device's window of 256 KiB then holds one. */
export const largestMaxFrameBytes = 262_144;
/** What an unfinished frame takes at first, whatever length it claims. */
const firstPartBytes = 512;

export interface FrameDecoderOptions {
  maxFrameBytes?: number;
  /** Whether the bytes begin with a preface; true by default. */
  preface?: boolean;
}

/**
 * Takes bytes in any pieces and gives whole frame bodies. A length is judged before a byte of its frame is kept, and an
 * unfinished frame takes memory in proportion to what came of it, not to what it claims. A refusal is final.
 */
export class FrameDecoder {
  readonly maxFrameBytes: number;
  /** Known once the preface is there. */
  codec: CodecId | undefined;
  private chunks: Buffer[] = [];
  private offset = 0;
  private head: Buffer | undefined;
  private headLength = 0;
  /** Of the body that is being read; 0 while its length is not known. */
  private bodyBytes = 0;
  private part: Buffer | undefined;
  private partLength = 0;
  private awaitsPreface: boolean;

  constructor({ maxFrameBytes = defaultMaxFrameBytes, preface = true }: FrameDecoderOptions = {}) {
    if (!(maxFrameBytes >= 1 && maxFrameBytes <= largestMaxFrameBytes)) {
      throw new RangeError(`maxFrameBytes must be 1 to ${largestMaxFrameBytes}`);
    }
    this.maxFrameBytes = maxFrameBytes;
    this.awaitsPreface = preface;
  }

  /** Hands over a chunk, which must not be changed until its frames are taken. */
  push(chunk: Buffer): void {
    if (chunk.length > 0) this.chunks.push(chunk);
  }

  /** True between the first byte of a preface or frame and its last. */
  get midFrame(): boolean {
    return this.headLength > 0 || this.bodyBytes > 0;
  }

  /**
   * The next whole body: part of a chunk where it came in one piece, so use it before the next `push`.
   * @throws FrameError for a preface that is none, and for a length that is 0 or too long
   */
  next(): Buffer | undefined {
    if (this.awaitsPreface && !this.readPreface()) return undefined;
    if (this.bodyBytes === 0 && !this.readLength()) return undefined;
    return this.readBody();
  }

  private readPreface(): boolean {
    const preface = this.readHead(prefaceBytes);
    if (preface === undefined) return false;
    const [codec = 0, flags, reserved1, reserved2] = preface.subarray(magic.length);
    if (!preface.subarray(0, magic.length).equals(magic)) {
      throw new FrameError('protocol', 'expected the preface 54 47 49 31, codec, 0, 0, 0');
    }
    const known = codecIds.find((id) => id === codec);
    if (known === undefined) throw new FrameError('unsupported', `there is no codec ${codec}: 1 Protobuf, 2 CBOR`);
    if (flags !== 0 || reserved1 !== 0 || reserved2 !== 0) {
      throw new FrameError('unsupported', 'flags and reserved bytes of the preface must be 0');
    }
    this.codec = known;
    this.awaitsPreface = false;
    return true;
  }

  private readLength(): boolean {
    const length = this.readHead(lengthBytes)?.readUInt32BE(0);
    if (length === undefined) return false;
    if (length === 0) throw new FrameError('malformed', 'a frame has at least 1 byte');
    if (length > this.maxFrameBytes) {
      throw new FrameError('tooLarge', `a frame of ${length} bytes; at most ${this.maxFrameBytes} are taken`);
    }
    this.bodyBytes = length;
    return true;
  }

  /** `bytes` bytes, however they were cut; undefined until they are all there. */
  private readHead(bytes: number): Buffer | undefined {
    const chunk = this.chunk();
    if (chunk === undefined) return undefined;
    if (this.headLength === 0 && chunk.length - this.offset >= bytes) return this.take(chunk, bytes);
    this.head ??= Buffer.allocUnsafeSlow(prefaceBytes);
    for (let piece: Buffer | undefined = chunk; piece !== undefined; piece = this.chunk()) {
      const taken = this.take(piece, Math.min(bytes - this.headLength, piece.length - this.offset));
      this.headLength += taken.copy(this.head, this.headLength);
      if (this.headLength < bytes) continue;
      const head = this.head;
      this.head = undefined;
      this.headLength = 0;
      return head;
    }
    return undefined;
  }

  private readBody(): Buffer | undefined {
    for (let chunk = this.chunk(); chunk !== undefined; chunk = this.chunk()) {
      const available = chunk.length - this.offset;
      const missing = this.bodyBytes - this.partLength;
      if (this.part === undefined && available >= missing) {
        this.bodyBytes = 0;
        return this.take(chunk, missing);
      }
      this.keep(this.take(chunk, Math.min(available, missing)));
      if (this.partLength === this.bodyBytes) return this.takePart();
    }
    return undefined;
  }

  private keep(piece: Buffer): void {
    const needed = this.partLength + piece.length;
    if (this.part === undefined || this.part.length < needed) {
      const size = Math.min(this.bodyBytes, Math.max(firstPartBytes, 2 * needed));
      const grown = Buffer.allocUnsafeSlow(size);
      this.part?.copy(grown, 0, 0, this.partLength);
      this.part = grown;
    }
    this.partLength += piece.copy(this.part, this.partLength);
  }

  private takePart(): Buffer | undefined {
    const body = this.part?.subarray(0, this.bodyBytes);
    this.part = undefined;
    this.partLength = 0;
    this.bodyBytes = 0;
    return body;
  }

  /** The chunk with unread bytes, if any. */
  private chunk(): Buffer | undefined {
    return this.chunks[0];
  }

  private take(chunk: Buffer, bytes: number): Buffer {
    const taken = chunk.subarray(this.offset, this.offset + bytes);
    this.offset += bytes;
    if (this.offset === chunk.length) {
      this.chunks.shift();
      this.offset = 0;
    }
    return taken;
  }
}

/** The bytes of a frame on the wire. */
export function frameBytes(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(lengthBytes + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, lengthBytes);
  return frame;
}
