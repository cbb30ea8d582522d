import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { parseClientMessage } from './client-message';

describe('parseClientMessage()', () => {
  it('refuses anything that is no frame with a code of its own, and never in another way', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.record({ t: fc.constantFrom('sub', 'unsub', 'ack', 'auth', 'x'), s: fc.anything() }).map((frame) => {
        return Buffer.from(JSON.stringify(frame, (_key, value: unknown) => (typeof value === 'bigint' ? null : value)));
      }),
    );
    fc.assert(
      fc.property(bytes, fc.boolean(), (message, isBinary) => {
        try {
          expect(parseClientMessage(message, isBinary)).toHaveProperty('t');
        } catch (error) {
          expect(['malformed', 'invalid_argument', 'unsupported_media_type']).toContain(AppError.from(error).code);
        }
      }),
    );
  });

  it('names the field and what it does not know', () => {
    const refusal = (frame: object) => () => parseClientMessage(Buffer.from(JSON.stringify(frame)), false);
    expect(refusal({ t: 'sub', s: '' })).toThrow(/^s: /);
    expect(refusal({ t: 'sub', s: 'orders', colour: 1, size: 2 })).toThrow('Unknown field: colour, size.');
    expect(refusal({ t: 'nope' })).toThrow('t: Expected sub, unsub, ack or auth.');
  });
});
