import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allowedMethods } from './allowed-methods';
import { appErrorOf } from './http-errors';
import { httpStatus } from './http-status';
import { problemHeaders, problemOf } from './problem';
import { noteCode } from './request-audit';

/** Turns whatever was thrown into a problem+json answer. The one place where the HTTP edge logs errors. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const methods = exception instanceof NotFoundException ? allowedMethods(request.server, pathOf(request)) : [];
    if (methods.length > 0) void reply.header('allow', methods.join(', '));
    const error =
      methods.length > 0
        ? new AppError('method_not_allowed', `This supports ${methods.join(', ')}.`)
        : appErrorOf(exception, request);
    this.log(error, request);
    if (!reply.sent) sendProblem(reply, error, request);
  }

  private log(error: AppError, request: FastifyRequest): void {
    const status = httpStatus(error.code);
    const about = { requestId: request.id, method: request.method, path: pathOf(request), status, code: error.code };
    if (status === 500) this.logger.error({ ...about, err: error }, 'request failed');
    else if (status > 500) this.logger.info({ ...about, err: error }, 'request could not be served');
    else this.logger.debug({ ...about, err: error }, 'request refused');
  }
}

/** Sends an error as problem+json. */
export function sendProblem(reply: FastifyReply, error: AppError, request: FastifyRequest): void {
  const body = problemOf(error, { instance: pathOf(request), requestId: request.id });
  noteCode(request, error.code);
  void reply.code(body.status).headers(problemHeaders(error)).send(JSON.stringify(body));
}

const maxPathLength = 256;

/** The path as it was sent, without the query, which may hold what must not be repeated. */
function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?', 1)[0]?.slice(0, maxPathLength) ?? '';
}
