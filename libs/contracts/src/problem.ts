import type { ErrorCode, FieldProblem } from '@tidegate/errors';

/** The body of an error answer (RFC 9457), as `application/problem+json`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: ErrorCode;
  requestId?: string;
  /** The fields of a bad input, by JSON pointer. */
  errors?: readonly FieldProblem[];
  /** Nobody knows whether the work was done: a write whose acknowledgement was lost. */
  outcome?: 'unknown';
}
