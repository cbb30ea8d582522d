import { AppError } from '@tidegate/errors';
import { problemOf, rawAnswer } from '@tidegate/http';
import { requestContext, type Logger } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
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
  socket.end(rawAnswer(error, { ...problem, requestId }), () => socket.destroy());
}
