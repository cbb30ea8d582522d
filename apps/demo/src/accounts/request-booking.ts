import { transactionRequestSchema, type TransactionRequest } from '@tidegate/contracts';
import type { KafkaRecord } from '@tidegate/kafka';
import type { Pool } from '@tidegate/postgres';
import { Counter, type Logger, type Registry } from '@tidegate/telemetry';
import { bookMovement, type BookingOutcome } from './movement';

export interface RequestBookingDeps {
  pool: Pool;
  logger: Logger;
  registry: Registry;
}

/**
 * Books what partners ask for on `bank.transaction-requests`, once per `transactionId` however often a request comes. One
 * that names no account of its tenant and currency is not booked: it is logged and counted.
 */
export class RequestBooking {
  private readonly requests: Counter<'outcome'>;

  constructor(private readonly deps: RequestBookingDeps) {
    this.requests = new Counter({
      name: 'tidegate_transaction_requests_total',
      help: 'Movements that partners asked for, by what became of them',
      labelNames: ['outcome'],
      registers: [deps.registry],
    });
  }

  async onBatch(records: readonly KafkaRecord[]): Promise<void> {
    for (const record of records) {
      const request = this.decode(record);
      const outcome = request === undefined ? 'unreadable' : await this.book(request, record);
      this.requests.inc({ outcome });
    }
  }

  private decode(record: KafkaRecord): TransactionRequest | undefined {
    try {
      return transactionRequestSchema.parse(JSON.parse(String(record.value)));
    } catch (error) {
      this.deps.logger.warn({ ...placeOf(record), err: error }, 'record is no request for a transaction: not booked');
      return undefined;
    }
  }

  private async book(
    request: TransactionRequest,
    record: KafkaRecord,
  ): Promise<Exclude<BookingOutcome, 'no_account'> | 'rejected'> {
    const { transactionId, amount, accountId, tenantId, currency } = request;
    const outcome = await bookMovement(this.deps.pool, {
      transactionId,
      amount,
      account: { accountId, tenantId, currency },
    });
    if (outcome !== 'no_account') return outcome;
    const about = { ...placeOf(record), transactionId, accountId, tenantId, currency };
    this.deps.logger.warn(about, 'request names no account of its tenant and currency: not booked');
    return 'rejected';
  }
}

function placeOf({ topic, partition, offset }: KafkaRecord): { topic: string; partition: number; offset: string } {
  return { topic, partition, offset: String(offset) };
}
