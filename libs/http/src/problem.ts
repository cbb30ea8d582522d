import { errorTitle, type AppError, type ErrorCode, type FieldProblem } from '@tidegate/errors';
import { httpStatus } from './http-status';

/** The body of an error answer (RFC 9457), as `application/problem+json`. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: ErrorCode;
  requestId?: string;
  errors?: readonly FieldProblem[];
}

/** What a client is told about an error: never its cause. */
export function problemOf(error: AppError, where: { instance?: string; requestId?: string } = {}): ProblemBody {
  return {
    type: 'about:blank',
    title: errorTitle(error.code),
    status: httpStatus(error.code),
    detail: error.message,
    ...where,
    code: error.code,
    ...(error.details.length > 0 && { errors: error.details }),
  };
}
