import { transactionRequestSchema, transactionSchema, type JsonObject } from '@tidegate/contracts';
import { z } from 'zod';

const { transactionId, accountId, amount, currency, reference } = transactionRequestSchema.shape;

/** What a partner sends to have a movement booked. */
export const postTransactionSchema = z.strictObject({ accountId, amount, currency, reference });
export type PostTransaction = z.output<typeof postTransactionSchema>;

/** Where the request stands in Kafka. */
export const acceptedTransactionSchema = z.object({
  transactionId,
  topic: z.string(),
  partition: z.int(),
  /** A decimal string: offsets are larger than what JSON numbers hold everywhere. */
  offset: z.string(),
});
export type AcceptedTransaction = z.output<typeof acceptedTransactionSchema>;

/** Cursors are at most 4 KiB. */
const maxCursorLength = 4_096;

export const listTransactionsSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'Expected a whole number from 1 to 1000.')
    .transform(Number)
    .pipe(z.number().min(1).max(1_000))
    .default(100),
  after: z.string().min(1).max(maxCursorLength).optional(),
  from: z.string().min(1).max(64).optional(),
});
export type ListTransactions = z.output<typeof listTransactionsSchema>;

/** Columns that the caller may not see are absent, masked ones are text with stars. */
const visibleTransactionSchema = z.object({
  ...transactionSchema.shape,
  amount: z.number(),
  balanceAfter: z.number(),
});

export const transactionPageSchema = z.object({
  items: z.array(visibleTransactionSchema.partial()),
  /** Where the next page begins; null when there is nothing more now. */
  next: z.string().nullable(),
  /** Something before these rows can no longer be had. */
  gap: z.object({ reason: z.string() }).optional(),
});

export interface TransactionPage {
  items: JsonObject[];
  next: string | null;
  gap?: { reason: string };
}
