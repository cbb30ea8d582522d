import { AppError } from '@tidegate/errors';
import { outgoingRecord } from './outgoing-record';
import type { ProducerRecord } from './producer';

const base: ProducerRecord = { topic: 't', key: null, value: 'x' };
const refusal = (change: object, maxBytes = 1_000): AppError => {
  try {
    outgoingRecord({ ...base, ...change }, maxBytes);
  } catch (error) {
    return AppError.from(error);
  }
  throw new Error('was accepted');
};

describe('outgoingRecord()', () => {
  it('keeps null apart from the empty string', () => {
    expect(outgoingRecord({ topic: 't', key: '', value: null }, 100)).toMatchObject({
      key: Buffer.alloc(0),
      value: null,
    });
  });

  it.each([
    ['/topic', { topic: '' }],
    ['/topic', { topic: 'a b' }],
    ['/topic', { topic: 'x'.repeat(250) }],
    ['/partition', { partition: -1 }],
    ['/partition', { partition: 1.5 }],
    ['/key', { key: '\ud800' }],
    ['/value', { value: '\udc00' }],
    ['/value', { value: 5 }],
    ['/value', { value: undefined }],
    ['/headers/h', { headers: { h: 5 } }],
    ['/headers/h', { headers: { h: undefined } }],
    ['/headers/\ud800', { headers: { '\ud800': 'x' } }],
    ['/headers/', { headers: [[5, 'x']] }],
    ['/headers/', { headers: [[null, 'x']] }],
    ['/headers/', { headers: [null] }],
    ['/headers/h', { headers: { h: '\ud800' } }],
  ])('names %s when it is wrong', (pointer, change) => {
    const error = refusal(change);
    expect(error.code).toBe('invalid_argument');
    expect(error.details.map((problem) => problem.pointer)).toContain(pointer);
  });

  it('accepts a record of the limit and refuses one byte more', () => {
    const { bytes } = outgoingRecord(base, 1_000);
    expect(outgoingRecord(base, bytes).bytes).toBe(bytes);
    expect(refusal({}, bytes - 1).code).toBe('too_large');
  });
});
