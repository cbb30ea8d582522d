import { type OnApplicationShutdown } from '@nestjs/common';
import { stringifyJson, topics, type TransactionRequest } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { type Placement, type Producer } from '@tidegate/kafka';

const retryAfterMs = 2_000;

/** What partners ask for, on its way to the bank. */
export class TransactionRequests implements OnApplicationShutdown {
  constructor(private readonly producer: Pick<Producer, 'send' | 'close'>) {}

  /**
   * Resolves when Kafka has the request.
   * @throws AppError `unavailable`; with outcome `unknown` when Kafka may have it
   */
  async post(request: TransactionRequest): Promise<Placement> {
    try {
      return await this.producer.send({
        topic: topics.transactionRequests,
        key: request.accountId,
        value: stringifyJson(request),
      });
    } catch (error) {
      throw refusal(AppError.from(error));
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.producer.close();
  }
}

function refusal(cause: AppError): AppError {
  if (cause.outcome === 'unknown') {
    const message =
      'Whether the transaction was taken is unknown. Send it again with the same Idempotency-Key: it is booked once.';
    return new AppError('unavailable', message, { cause, retryAfterMs, outcome: 'unknown' });
  }
  // A topic that is missing is ours to make.
  if (cause.code === 'unavailable' || cause.code === 'not_found') {
    const message = 'Transactions cannot be taken at the moment; nothing was done.';
    return new AppError('unavailable', message, { cause, retryAfterMs });
  }
  return cause;
}
