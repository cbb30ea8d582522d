import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { codeOfStatus } from './http-status';
import { problemOf } from './problem';
import { rawAnswer } from './raw-answer';

const answers: Readonly<Record<string, [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than allowed.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request was not complete in time.'],
};

/** Answers what Node's parser refuses before there is a request, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket, logger: Logger): void {
  const [status, detail] = answers[error.code ?? ''] ?? [400, 'The request could not be read.'];
  logger.debug({ err: error, status }, 'connection refused');
  if (!canAnswer(socket)) return void socket.destroy();
  const refused = new AppError(codeOfStatus(status), detail);
  const requestId = randomUUID();
  // The parser's own statuses, 431 and 408, have no code of ours.
  const problem = { ...problemOf(refused), status, requestId };
  socket.end(rawAnswer(refused, problem), () => socket.destroy());
}

// Not into the middle of another answer. Node itself looks at `_httpMessage` to know.
function canAnswer(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket.writable && socket._httpMessage?.headersSent !== true;
}
