import { AppError } from '@tidegate/errors';
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { VarintReader, writeVarint } from './varint';

/** A key as a variable carries it, 32 bytes as base64url: what AES-256 takes. */
export const cursorKeySchema = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url'))
  .refine((key) => key.length === 32, 'expected keys of 32 bytes as base64url, separated by commas');

/** Where a reader stands in one source: the next offset of each partition, and which topic those offsets mean. */
export interface SourcePosition {
  /** `topicTag()` of the topic id: a topic that was deleted and made again has another one. */
  topicTag: number;
  offsets: readonly bigint[];
}

/** Whom and what a cursor is for. */
export interface CursorOwner {
  stream: string;
  tenant: string | undefined;
  subject: string;
}

interface DerivedKey {
  seal: Buffer;
  binding: Buffer;
}

const version = 1;
/** Of cursors that say what was seen, too. */
const sightVersion = 2;
const bindingBytes = 8;
const sightBytes = 6;
const ivBytes = 12;
const tagBytes = 16;
const streamTagBytes = 4;
const maxCursorLength = 4096;
/** Of all sources of a stream together: what fits into a cursor. */
export const maxPartitions = 500;
const associatedData = Buffer.from(`tidegate cursor ${version}`);
/** Both fill whole base64 groups, so that the halves of a cursor can be coded alone and joined as text. */
const headBytes = { [version]: 1 + bindingBytes, [sightVersion]: 1 + bindingBytes + sightBytes };
const prefixLength = (headBytes[sightVersion] / 3) * 4;

/**
 * Seals positions into cursors: `version ‖ binding ‖ iv ‖ AES-256-GCM(stream tag ‖ topic tags and offsets) ‖ tag`, as
 * base64url. The binding (HMAC over stream, tenant, subject) depends on the caller only and the sealed half on the
 * position only, so many callers at one point share one `seal()`. Where what was seen counts, a digest of that stands
 * behind the binding and is bound as well.
 *
 * Topic ids stand inside the sealed half rather than in its associated data: with them outside, the cursor of a
 * recreated topic would not open, and "recreated" could not be told from a forgery. The same holds for the stream:
 * inside, another stream's cursor is known as foreign rather than as broken.
 */
export class CursorSeal {
  private readonly keys: readonly [DerivedKey, ...DerivedKey[]];

  /** The first key seals, all open. @throws AppError `invalid_config` when there is none or one is short. */
  constructor(keys: readonly Buffer[]) {
    const [first, ...rest] = keys;
    if (first === undefined || keys.some((key) => key.length < 32)) {
      throw new AppError('invalid_config', 'cursorKeys needs at least one key, and each at least 32 bytes.');
    }
    this.keys = [derive(first), ...rest.map(derive)];
  }

  /** The caller's half of its cursors on a stream; with `sight` also one that says what was seen. */
  prefix(owner: CursorOwner, sight?: string): string {
    const seen = sight === undefined ? Buffer.alloc(0) : digestOf(sight);
    const head = Buffer.of(sight === undefined ? version : sightVersion);
    return Buffer.concat([head, bindingOf(this.keys[0], owner, seen), seen]).toString('base64url');
  }

  /** Whether a cursor that can be opened says that this was seen. */
  saysSight(cursor: string, sight: string): boolean {
    return headOf(decodeText(cursor)).seen.equals(digestOf(sight));
  }

  /** The position's half; `prefix + seal` is a cursor. */
  seal(stream: string, position: readonly SourcePosition[]): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.keys[0].seal, iv);
    cipher.setAAD(associatedData);
    const body = cipher.update(encodePosition(stream, position));
    const sealed = Buffer.concat([iv, body, cipher.final(), cipher.getAuthTag()]).toString('base64url');
    if (sealed.length + prefixLength > maxCursorLength) {
      throw new AppError('invalid_catalog', 'The stream has more partitions than a cursor can hold.');
    }
    return sealed;
  }

  /** @throws AppError `invalid_cursor` when it was not sealed by us, `foreign_cursor` when it is not this owner's. */
  open(cursor: string, owner: CursorOwner): SourcePosition[] {
    const bytes = decodeText(cursor);
    const { binding, seen, sealed } = headOf(bytes);
    for (const key of this.keys) {
      const plain = unseal(key, sealed);
      if (plain === undefined) continue;
      const ours =
        binding.equals(bindingOf(key, owner, seen)) && plain.subarray(0, streamTagBytes).equals(streamTag(owner));
      if (!ours) throw new AppError('foreign_cursor', 'The cursor belongs to another stream or caller.');
      return decodePosition(plain) ?? refuse();
    }
    return refuse();
  }
}

/** @throws AppError `invalid_catalog` when a stream of topics with so many partitions is more than a cursor can hold */
export function checkPartitions(counts: readonly number[]): void {
  if (counts.reduce((sum, count) => sum + count, 0) <= maxPartitions) return;
  throw new AppError('invalid_catalog', `The stream has more than ${maxPartitions} partitions.`);
}

/** What of a topic id goes into a cursor. */
export function topicTag(topicId: string): number {
  return createHash('sha256').update(topicId).digest().readUInt32BE(0);
}

function derive(key: Buffer): DerivedKey {
  const part = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `tidegate cursor ${purpose}`, 32));
  return { seal: part('seal'), binding: part('binding') };
}

function bindingOf(key: DerivedKey, { stream, tenant, subject }: CursorOwner, seen: Buffer): Buffer {
  // JSON keeps the fields apart whatever they hold.
  const text = JSON.stringify([stream, tenant ?? null, subject, ...(seen.length === 0 ? [] : [seen.toString('hex')])]);
  return createHmac('sha256', key.binding).update(text).digest().subarray(0, bindingBytes);
}

function digestOf(sight: string): Buffer {
  return createHash('sha256').update(sight).digest().subarray(0, sightBytes);
}

function headOf(bytes: Buffer): { binding: Buffer; seen: Buffer; sealed: Buffer } {
  const end = headBytes[bytes[0] === sightVersion ? sightVersion : version];
  const binding = bytes.subarray(1, 1 + bindingBytes);
  return { binding, seen: bytes.subarray(1 + bindingBytes, end), sealed: bytes.subarray(end) };
}

function streamTag({ stream }: { stream: string }): Buffer {
  return createHash('sha256').update(stream).digest().subarray(0, streamTagBytes);
}

function decodeText(cursor: string): Buffer {
  if (cursor.length > maxCursorLength) return refuse();
  const bytes = Buffer.from(cursor, 'base64url');
  const canonical = bytes.toString('base64url') === cursor;
  const known = bytes[0] === version || bytes[0] === sightVersion;
  const longEnough = headOf(bytes).sealed.length >= ivBytes + streamTagBytes + tagBytes;
  return canonical && longEnough && known ? bytes : refuse();
}

function unseal(key: DerivedKey, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key.seal, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const body = decipher.update(sealed.subarray(ivBytes, -tagBytes));
  try {
    decipher.final();
    return body;
  } catch {
    // Sealed by another key, or by nobody: the caller tries the next key.
    return undefined;
  }
}

function encodePosition(stream: string, position: readonly SourcePosition[]): Buffer {
  checkPartitions(position.map(({ offsets }) => offsets.length));
  const out: number[] = [...streamTag({ stream })];
  for (const source of position) {
    const tag = source.topicTag;
    out.push(tag >>> 24, (tag >>> 16) & 0xff, (tag >>> 8) & 0xff, tag & 0xff);
    writeVarint(out, BigInt(source.offsets.length));
    for (const offset of source.offsets) writeVarint(out, offset);
  }
  return Buffer.from(out);
}

function decodePosition(plain: Buffer): SourcePosition[] | undefined {
  const reader = new VarintReader(plain, streamTagBytes);
  const position: SourcePosition[] = [];
  while (!reader.atEnd) {
    const tag = reader.uint32();
    const count = reader.next();
    if (tag === undefined || count === undefined || count > maxPartitions) return undefined;
    const offsets = Array.from({ length: Number(count) }, () => reader.next());
    if (!offsets.every((offset) => offset !== undefined)) return undefined;
    position.push({ topicTag: tag, offsets });
  }
  return position;
}

function refuse(): never {
  throw new AppError('invalid_cursor', 'The cursor is not one of ours, or it is damaged; start without it.');
}
