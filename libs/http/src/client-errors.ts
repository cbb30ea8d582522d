import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { codeOfStatus } from './http-status';
import { problemHeaders, problemOf } from './problem';

const answers: Readonly<Record<string, [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than allowed.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request was not complete in time.'],
};

/** Answers what Node's parser refuses before there is a request, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket, logger: Logger): void {
  const [status, detail] = answers[error.code ?? ''] ?? [400, 'The request could not be read.'];
  logger.debug({ err: error, status }, 'connection refused');
  if (canAnswer(socket)) socket.end(rawAnswer(status, detail), () => socket.destroy());
  else socket.destroy();
}

// Not into the middle of another answer. Node itself looks at `_httpMessage` to know.
function canAnswer(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket.writable && socket._httpMessage?.headersSent !== true;
}

function rawAnswer(status: number, detail: string): string {
  const error = new AppError(codeOfStatus(status), detail);
  const requestId = randomUUID();
  const body = JSON.stringify({ ...problemOf(error, { requestId }), status });
  const headers = {
    ...problemHeaders(error),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n');
}
