import { HttpException } from '@nestjs/common';
import { AppError, type ErrorCode } from '@tidegate/errors';
import type { FastifyRequest } from 'fastify';
import { codeOfStatus } from './http-status';

// Nest and Fastify write what they were sent into their messages; clients get these instead.
const details: Partial<Record<ErrorCode, string>> = {
  malformed: 'The request could not be read.',
  unauthenticated: 'A valid access token is needed.',
  permission_denied: 'You may not do this.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'This does not support the method.',
  too_large: 'The request is larger than allowed.',
  unsupported_media_type: 'Send the body as application/json.',
  unavailable: 'Try again later.',
};

/** Any error as an AppError: foreign ones by their status, unknown ones as `internal`. */
export function appErrorOf(exception: unknown, request: FastifyRequest): AppError {
  if (AppError.is(exception)) return exception;
  if (exception instanceof HttpException) return ofStatus(exception.getStatus(), exception);
  if (request.raw.destroyed && !request.raw.complete) {
    return new AppError('malformed', 'The request ended before it was complete.', { cause: exception });
  }
  const status = (exception as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status < 500 ? ofStatus(status, exception) : AppError.from(exception);
}

function ofStatus(status: number, cause: unknown): AppError {
  const code = codeOfStatus(status);
  return new AppError(code, details[code] ?? 'The request cannot be answered.', { cause });
}
