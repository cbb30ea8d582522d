import { catalogue, type ErrorCode } from './catalogue';

/** One field of an input that was refused: where it is (RFC 6901 JSON pointer) and what would mend it. */
export interface FieldProblem {
  pointer: string;
  detail: string;
}

export interface AppErrorOptions {
  cause?: unknown;
  details?: readonly FieldProblem[];
  /** Milliseconds after which trying again makes sense. */
  retryAfterMs?: number;
  /** Set when nobody can tell whether the work was done (a write whose acknowledgement was lost). */
  outcome?: 'unknown';
}

const brand = Symbol.for('tidegate.AppError');

/**
 * What went wrong, in words that no transport owns. `message` is safe to show to a client; `cause` is for logs only.
 * Each edge maps `code` to its own status.
 */
export class AppError extends Error {
  readonly [brand] = true;
  readonly code: ErrorCode;
  readonly details: readonly FieldProblem[];
  readonly retryAfterMs: number | undefined;
  readonly outcome: 'unknown' | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.outcome = options.outcome;
  }

  /** Whether the same request can succeed later without being changed. */
  get retryable(): boolean {
    return catalogue[this.code].retryable;
  }

  /** Total: anything that is not an AppError becomes `internal`, with the original as `cause` and none of its text. */
  static from(value: unknown): AppError {
    if (AppError.is(value)) return value;
    return new AppError('internal', 'Something went wrong on our side.', { cause: value });
  }

  /** True for AppErrors of any copy of this library. */
  static is(value: unknown): value is AppError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
