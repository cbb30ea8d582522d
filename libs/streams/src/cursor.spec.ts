import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { CursorSeal, topicTag, type CursorOwner, type SourcePosition } from './cursor';

const key = Buffer.alloc(32, 7);
const owner: CursorOwner = { stream: 'orders', tenant: 'north', subject: '13' };
const position: SourcePosition[] = [{ topicTag: topicTag('id-1'), offsets: [0n, 42n, 9_007_199_254_740_993n] }];

function cursorOf(seal: CursorSeal, who = owner, where = position): string {
  return seal.prefix(who) + seal.seal(who.stream, where);
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'opened';
  } catch (error) {
    return AppError.from(error).code;
  }
}

const offsets = fc.array(fc.bigInt({ min: 0n, max: 2n ** 62n }), { maxLength: 40 });
const positions = fc.array(fc.record({ topicTag: fc.nat({ max: 0xffffffff }), offsets }), { maxLength: 8 });
const owners = fc.record({
  stream: fc.string(),
  tenant: fc.option(fc.string(), { nil: undefined }),
  subject: fc.string(),
});

describe(CursorSeal.name, () => {
  const seal = new CursorSeal([key]);

  it('opens what it sealed, for any position and caller', () => {
    fc.assert(
      fc.property(owners, positions, (who, where) => {
        expect(seal.open(cursorOf(seal, who, where), who)).toEqual(where);
      }),
    );
  });

  it('refuses a cursor with any one byte changed', () => {
    const bytes = Buffer.from(cursorOf(seal), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        const code = codeOf(() => seal.open(changed.toString('base64url'), owner));
        // Bytes 1 to 8 are the binding: with those changed the seal is good and the owner is not.
        expect(code).toBe(at >= 1 && at <= 8 ? 'foreign_cursor' : 'invalid_cursor');
      }
    }
  });

  it('says what was seen, where that counts, and refuses any byte of that changed', () => {
    fc.assert(
      fc.property(owners, positions, fc.string(), fc.string(), (who, where, sight, other) => {
        const cursor = seal.prefix(who, sight) + seal.seal(who.stream, where);
        expect(seal.open(cursor, who)).toEqual(where);
        expect([seal.saysSight(cursor, sight), seal.saysSight(cursor, other)]).toEqual([true, other === sight]);
        expect(seal.saysSight(cursorOf(seal, who, where), sight)).toBe(false);
      }),
    );
    const bytes = Buffer.from(seal.prefix(owner, 'mine') + seal.seal('orders', position), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const code = codeOf(() => seal.open(changed.toString('base64url'), owner));
      expect(code).toBe(at >= 1 && at <= 14 ? 'foreign_cursor' : 'invalid_cursor');
    }
  });

  it('refuses a cursor with any one character changed, also one that decodes to the same bytes', () => {
    const cursor = cursorOf(seal);
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      expect(codeOf(() => seal.open(changed, owner))).not.toBe('opened');
    }
    expect(codeOf(() => seal.open(`${cursor}=`, owner))).toBe('invalid_cursor');
    expect(codeOf(() => seal.open(`${cursor} `, owner))).toBe('invalid_cursor');
  });

  it('refuses any text that is no cursor', () => {
    fc.assert(fc.property(fc.string(), (text) => codeOf(() => seal.open(text, owner)) === 'invalid_cursor'));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url');
        return codeOf(() => seal.open(text, owner)) === 'invalid_cursor';
      }),
    );
  });

  it.each(['', '-1', 'A'.repeat(4096), 'A'.repeat(4097), 'A'.repeat(1_000_000)])('refuses %#', (text) => {
    expect(codeOf(() => seal.open(text, owner))).toBe('invalid_cursor');
  });

  it.each([
    { ...owner, stream: 'accounts' },
    { ...owner, tenant: 'south' },
    { ...owner, tenant: undefined },
    { ...owner, subject: '15' },
    // The same characters, cut at another place.
    { stream: 'orders', tenant: 'north1', subject: '3' },
  ])('calls the cursor of another owner foreign: %j', (other) => {
    expect(codeOf(() => seal.open(cursorOf(seal), other))).toBe('foreign_cursor');
  });

  it('does not take the position of one stream with the binding of another', () => {
    const mixed = seal.prefix(owner) + seal.seal('accounts', position);
    expect(codeOf(() => seal.open(mixed, owner))).toBe('foreign_cursor');
  });

  it('tells nothing physical', () => {
    const a = Buffer.from(cursorOf(seal), 'base64url');
    const b = Buffer.from(cursorOf(seal), 'base64url');
    expect(a.subarray(9).equals(b.subarray(9))).toBe(false);
  });

  it('opens what any of its keys sealed, and seals with the first', () => {
    const older = new CursorSeal([key]);
    const rotated = new CursorSeal([Buffer.alloc(32, 8), key]);
    expect(rotated.open(cursorOf(older), owner)).toEqual(position);
    expect(codeOf(() => older.open(cursorOf(rotated), owner))).toBe('invalid_cursor');
  });

  it('holds 500 partitions in 4 KiB and refuses 501', () => {
    const many = (count: number) => [{ topicTag: 1, offsets: Array.from({ length: count }, () => 2n ** 41n) }];
    expect(cursorOf(seal, owner, many(500)).length).toBeLessThanOrEqual(4096);
    expect(codeOf(() => seal.seal('orders', many(501)))).toBe('invalid_catalog');
  });

  it('wants keys of at least 32 bytes', () => {
    expect(codeOf(() => new CursorSeal([]))).toBe('invalid_config');
    expect(codeOf(() => new CursorSeal([Buffer.alloc(31)]))).toBe('invalid_config');
    expect(codeOf(() => new CursorSeal([Buffer.alloc(32)]))).toBe('opened');
  });
});
