import { AppError, errorCodes } from '@tidegate/errors';
import fc from 'fast-check';
import { requestIdOf, traceOf } from './correlation';
import { codeOfStatus, httpStatus } from './http-status';
import { problemHeaders, problemOf } from './problem';

describe(httpStatus.name, () => {
  it('has an error status for every code there is', () => {
    for (const code of errorCodes)
      expect([code, httpStatus(code) >= 400 && httpStatus(code) <= 504]).toEqual([code, true]);
  });

  it('keeps the class of a status that came without a code', () => {
    for (let status = 400; status < 600; status += 1) {
      expect([status, Math.floor(httpStatus(codeOfStatus(status)) / 100)]).toEqual([status, Math.floor(status / 100)]);
    }
  });
});

describe(problemOf.name, () => {
  it('never says the cause, and at most 50 fields', () => {
    const details = Array.from({ length: 80 }, (_, index) => ({ pointer: `/${index}`, detail: 'wrong' }));
    const problem = problemOf(new AppError('internal', 'Sorry.', { cause: new Error('hunter2'), details }));
    expect(JSON.stringify(problem)).not.toContain('hunter2');
    expect(problem.errors).toHaveLength(50);
  });
});

describe(problemHeaders.name, () => {
  const retryAfter = (error: AppError) => problemHeaders(error)['retry-after'];

  it('rounds Retry-After up to whole seconds, and never says 0', () => {
    const after = (retryAfterMs: number) => retryAfter(new AppError('rate_limited', 'Slow down.', { retryAfterMs }));
    expect([after(0), after(1), after(1_000), after(1_001)]).toEqual(['1', '1', '1', '2']);
  });

  it('says Retry-After on every 503, elsewhere only where it is known', () => {
    expect(retryAfter(new AppError('unavailable', 'Later.'))).toBe('5');
    expect(retryAfter(new AppError('warming', 'Later.'))).toBe('5');
    expect(retryAfter(new AppError('rate_limited', 'Slow down.'))).toBeUndefined();
  });
});

describe('correlation', () => {
  it('takes only ids that can stand in a header and a log line', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(requestIdOf({ 'x-request-id': id })).toMatch(/^[\w.:-]{1,128}$/);
      }),
    );
  });

  it('reads any good traceparent and nothing else', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
    fc.assert(
      fc.property(hex(32), hex(16), hex(2), (traceId, parentSpanId, flags) => {
        fc.pre(/[^0]/.test(traceId) && /[^0]/.test(parentSpanId));
        const traceparent = `00-${traceId}-${parentSpanId}-${flags}`;
        expect(traceOf({ traceparent })).toEqual({ traceId, parentSpanId });
        expect(traceOf({ traceparent: `${traceparent}-more` })).toEqual({});
        expect(traceOf({ traceparent: `cc${traceparent.slice(2)}-more` })).toEqual({ traceId, parentSpanId });
        expect(traceOf({ traceparent: traceparent.toUpperCase() + 'X' })).toEqual({});
      }),
    );
    fc.assert(fc.property(fc.string(), (traceparent) => expect(traceOf({ traceparent })).toEqual({})));
  });
});
