import { AppError } from '@tidegate/errors';

/** The asked offset is not in the log: `below` its start (retention) or `above` its end (truncated or re-created). */
export class OffsetOutOfRange extends AppError {
  constructor(
    readonly side: 'below' | 'above',
    readonly logStart: bigint,
    readonly end: bigint,
  ) {
    super('invalid_argument', `The offset is ${side} the log, which holds ${logStart} to ${end}.`);
  }
}
