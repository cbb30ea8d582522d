import { AppError } from '@tidegate/errors';
import { isConnectionError, isUniqueViolation, translate } from './errors';

const withCode = (code: string, message = 'from the driver') => Object.assign(new Error(message), { code });

describe('translate()', () => {
  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '57P03', '08006', '53300'])(
    'makes %s unavailable',
    (code) => {
      const error = translate(withCode(code, 'password authentication at 10.0.0.7'));
      expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
      expect((error as AppError).message).not.toContain('10.0.0.7');
    },
  );

  it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect', 'Query read timeout'])(
    'makes "%s" unavailable',
    (message) => {
      expect(translate(new Error(message))).toMatchObject({ code: 'unavailable' });
    },
  );

  it.each([
    ['57014', 'timeout'],
    ['40001', 'conflict'],
    ['40P01', 'conflict'],
  ])('makes %s a %s', (code, expected) => {
    expect(translate(withCode(code))).toMatchObject({ code: expected });
  });

  it('leaves mistakes in a statement and our own errors as they are', () => {
    for (const error of [withCode('42601'), withCode('23505'), new AppError('not_found', 'no'), 'text', undefined]) {
      expect(translate(error)).toBe(error);
    }
  });
});

describe('isConnectionError()', () => {
  it('needs all addresses of a name to fail', () => {
    const refused = withCode('ECONNREFUSED');
    expect(isConnectionError(new AggregateError([refused, refused]))).toBe(true);
    expect(isConnectionError(new AggregateError([refused, withCode('28P01')]))).toBe(false);
  });
});

describe('isUniqueViolation()', () => {
  it('knows a duplicate from anything else', () => {
    expect([withCode('23505'), withCode('23503'), '23505'].map(isUniqueViolation)).toEqual([true, false, false]);
  });
});
