import fc from 'fast-check';
import { decodePlace, encodePlace } from './page';

const invalidCursor = expect.objectContaining({ code: 'invalid_cursor' }) as Error;

describe('the place behind an order', () => {
  it('survives its way through a client', () => {
    const place = { placedAt: '2026-11-22T12:33:55.000Z', orderId: '41466550093' };
    expect(decodePlace(encodePlace(place))).toEqual(place);
  });

  it.each([
    ['', 'nothing'],
    ['[]', 'too little'],
    ['["2026-11-22T12:33:55.000Z",7]', 'a number for an id'],
    ['["yesterday","7"]', 'no time'],
    ['{"placedAt":1}', 'an object'],
  ])('refuses %s (%s)', (text) => {
    const cursor = Buffer.from(text).toString('base64url');
    expect(() => decodePlace(cursor)).toThrow(invalidCursor);
  });

  it('refuses whatever somebody makes up', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodePlace(text)).toThrow(invalidCursor);
      }),
    );
  });
});
