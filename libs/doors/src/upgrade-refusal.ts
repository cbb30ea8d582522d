import { AppError } from '@tidegate/errors';
import { problemHeaders, problemOf } from '@tidegate/http';
import { requestContext, type Logger } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers an upgrade that is refused, as problem+json on the bare socket, and ends the connection. */
export function refuseUpgrade(socket: Duplex, reason: unknown, instance: string, logger: Logger): void {
  const error = AppError.from(reason);
  const requestId = requestContext.get()?.requestId ?? randomUUID();
  const problem = problemOf(error, { instance, requestId });
  const about = { err: error, requestId, path: instance, code: error.code };
  if (problem.status === 500) logger.error(about, 'upgrade failed');
  else if (problem.status > 500) logger.info(about, 'upgrade could not be served');
  else logger.debug(about, 'upgrade refused');
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify(problem);
  const headers = {
    ...problemHeaders(error),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', ''].join('\r\n');
  socket.end(head + body, () => socket.destroy());
}
