import type { Problem } from '@tidegate/contracts';
import { errorTitle, type AppError } from '@tidegate/errors';
import { httpStatus } from './http-status';

const problemContentType = 'application/problem+json; charset=utf-8';

// A 503 always says when to come back; this long when nobody knows better.
const defaultRetryAfterMs = 5_000;

// More fields than these help nobody, and an answer must not grow with what was sent.
const maxProblems = 50;

/** What a client is told about an error: never its cause. */
export function problemOf(error: AppError, where: { instance?: string; requestId?: string } = {}): Problem {
  return {
    type: `urn:tidegate:problem:${error.code}`,
    title: errorTitle(error.code),
    status: httpStatus(error.code),
    detail: error.message,
    ...where,
    code: error.code,
    ...(error.details.length > 0 && { errors: error.details.slice(0, maxProblems) }),
    ...(error.outcome !== undefined && { outcome: error.outcome }),
  };
}

/** The headers that go with an error: when to come back, how to authenticate. */
export function problemHeaders(error: AppError): Record<string, string> {
  const status = httpStatus(error.code);
  const retryAfterMs = error.retryAfterMs ?? (status === 503 ? defaultRetryAfterMs : undefined);
  return {
    'content-type': problemContentType,
    'cache-control': 'no-store',
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    ...(status === 401 && { 'www-authenticate': 'Bearer realm="tidegate"' }),
  };
}
