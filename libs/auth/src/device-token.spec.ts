import { AppError } from '@tidegate/errors';
import { createHmac } from 'node:crypto';
import { DeviceTokens } from './device-token';

const keyA = Buffer.alloc(32, 1);
const keyB = Buffer.alloc(32, 2);
const device = { tenant: 'north', deviceId: 'bike-1' };

const reasonOf = (verify: () => unknown): string => {
  try {
    verify();
  } catch (error) {
    expect(error).toMatchObject({ code: 'unauthenticated', message: 'The device token is not valid.' });
    return ((error as AppError).cause as Error).message;
  }
  return 'accepted';
};

describe(DeviceTokens.name, () => {
  const tokens = new DeviceTokens([keyA]);

  it('makes tokens of the published layout', () => {
    const token = tokens.issue(device, 0x01020304);
    const expected = createHmac('sha256', keyA)
      .update('north\0bike-1')
      .update(Buffer.from([1, 2, 3, 4]))
      .digest();
    expect(token).toHaveLength(22);
    expect(token[0]).toBe(1);
    expect(token.subarray(2, 6).toString('hex')).toBe('01020304');
    expect(token.subarray(6)).toEqual(expected.subarray(0, 16));
  });

  it('accepts its own token', () => {
    expect(tokens.verify(tokens.issue(device), device)).toEqual({});
  });

  it('accepts a token until its end and not after', () => {
    const token = tokens.issue(device, 1_000);
    expect(tokens.verify(token, device, 999_999)).toEqual({ endsAtMs: 1_000_000 });
    expect(reasonOf(() => tokens.verify(token, device, 1_000_000))).toBe('expired');
  });

  it.each([
    ['another device', { tenant: 'north', deviceId: 'bike-2' }],
    ['another tenant', { tenant: 'south', deviceId: 'bike-1' }],
    ['a name that was shifted', { tenant: 'north\0bike-1', deviceId: '' }],
  ])('refuses the token of %s', (_what, other) => {
    expect(reasonOf(() => tokens.verify(tokens.issue(device), other))).toContain('no key of ours');
  });

  it('refuses a token with any bit changed, of any other length, and of another key', () => {
    const token = tokens.issue(device, 4_000_000_000);
    for (let bit = 0; bit < token.length * 8; bit += 1) {
      const flipped = Buffer.from(token);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(reasonOf(() => tokens.verify(flipped, device))).not.toBe('accepted');
    }
    for (let length = 0; length < token.length; length += 1) {
      expect(reasonOf(() => tokens.verify(token.subarray(0, length), device))).toContain('not a token');
    }
    expect(reasonOf(() => tokens.verify(Buffer.concat([token, token]), device))).toContain('not a token');
    expect(reasonOf(() => new DeviceTokens([keyB]).verify(token, device))).toContain('no key of ours');
  });

  it('accepts the older key and hands out a token of the newer one that ends when the older does', () => {
    const rotated = new DeviceTokens([keyB, keyA]);
    const { next } = rotated.verify(tokens.issue(device, 4_000_000_000), device);
    expect(next).toEqual(new DeviceTokens([keyB]).issue(device, 4_000_000_000));
    expect(rotated.verify(next ?? Buffer.alloc(0), device)).toEqual({ endsAtMs: 4_000_000_000_000 });
  });

  it.each([
    ['none', []],
    ['three', [keyA, keyB, Buffer.alloc(32, 3)]],
    ['a short one', [Buffer.alloc(31)]],
  ])('refuses %s as keys', (_what, keys) => {
    expect(() => new DeviceTokens(keys)).toThrow(AppError);
  });
});
