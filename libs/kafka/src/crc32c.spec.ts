import fc from 'fast-check';
import { crc32c } from './crc32c';

describe('crc32c()', () => {
  // RFC 3720, appendix B.4.
  it.each([
    ['32 zeroes', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 rising', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['the check string', Buffer.from('123456789'), 0xe3069283],
  ])('gives the known sum of %s', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });

  it('sums a part of a buffer', () => {
    expect(crc32c(Buffer.from('..123456789..'), 2, 11)).toBe(0xe3069283);
  });

  it('gives the same as the definition, bit by bit, whatever the length and place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 20 }), (bytes, start) => {
        const from = Math.min(start, bytes.length);
        let expected = 0xffffffff;
        for (const byte of bytes.subarray(from)) {
          expected ^= byte;
          for (let bit = 0; bit < 8; bit += 1) expected = expected & 1 ? (expected >>> 1) ^ 0x82f63b78 : expected >>> 1;
        }
        expect(crc32c(Buffer.from(bytes), from)).toBe((expected ^ 0xffffffff) >>> 0);
      }),
    );
  });
});
