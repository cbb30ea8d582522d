import type { Problem } from '@tidegate/contracts';
import type { AppError } from '@tidegate/errors';
import { STATUS_CODES } from 'node:http';
import { problemHeaders } from './problem';

/** A whole HTTP answer for a bare socket that has no response object: the problem, after which the connection ends. */
export function rawAnswer(error: AppError, problem: Problem & { requestId: string }): string {
  const body = JSON.stringify(problem);
  const headers = {
    ...problemHeaders(error),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'x-request-id': problem.requestId,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n');
}
