import { AppError } from './app-error';
import { errorCodes, errorTitle } from './catalogue';

describe(AppError.name, () => {
  it('keeps the cause for logs and out of the message', () => {
    const cause = new Error('password=hunter2');
    const error = AppError.from(cause);
    expect(error.code).toBe('internal');
    expect(error.cause).toBe(cause);
    expect(error.message).not.toContain('hunter2');
  });

  it.each([undefined, null, 'text', 42, {}, Symbol('s'), () => 0])('makes an AppError of %p', (value) => {
    expect(AppError.from(value).code).toBe('internal');
  });

  it('returns an AppError as it is, also one of a second copy of the library', () => {
    const own = new AppError('not_found', 'There is no order 7.');
    expect(AppError.from(own)).toBe(own);
    jest.isolateModules(() => {
      const copy = jest.requireActual<typeof import('./app-error')>('./app-error');
      const foreign = new copy.AppError('conflict', 'taken');
      expect(AppError.from(foreign)).toBe(foreign);
    });
  });

  it('names itself after its subclass', () => {
    class CatalogError extends AppError {}
    expect(new CatalogError('invalid_catalog', 'x').name).toBe('CatalogError');
  });

  it('takes retryable from the catalogue', () => {
    expect(new AppError('unavailable', 'x').retryable).toBe(true);
    expect(new AppError('not_found', 'x').retryable).toBe(false);
  });
});

describe('the error catalogue', () => {
  it('has unique snake_case codes, each with a title', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
    for (const code of errorCodes) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(errorTitle(code).length).toBeGreaterThan(5);
    }
  });
});
