import { transactionRequestSchema, transactionSchema, type JsonObject } from '@tidegate/contracts';
import { z } from 'zod';

const { transactionId, accountId, amount, currency, reference } = transactionRequestSchema.shape;

/** What a partner sends to have a movement booked. */
export const postTransactionSchema = z.strictObject({
  accountId,
  amount: amount.meta({ description: 'Above zero: money in; below: money out. Not zero, at most two decimals.' }),
  currency: currency.meta({ description: 'The one that the account is kept in' }),
  reference,
});
export type PostTransaction = z.output<typeof postTransactionSchema>;

// Answers may get more fields: clients are told so.

/** Where the request stands in Kafka. */
export const acceptedTransactionSchema = z.looseObject({
  transactionId,
  topic: z.string(),
  partition: z.int(),
  /** A decimal string: offsets are larger than what JSON numbers hold everywhere. */
  offset: z.string(),
});

export interface AcceptedTransaction {
  transactionId: string;
  topic: string;
  partition: number;
  offset: string;
}

/** Cursors are at most 4 KiB. */
const maxCursorLength = 4_096;

export const listTransactionsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  after: z.string().min(1).max(maxCursorLength).optional().meta({ description: 'The `next` of the page before' }),
  from: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'Where to begin without a cursor: earliest (the default), latest or an RFC 3339 time' }),
});
export type ListTransactions = z.output<typeof listTransactionsSchema>;

/** Columns that the caller may not see are absent, masked ones are text with stars. */
const visibleTransactionSchema = z.looseObject({
  ...transactionSchema.shape,
  amount: z.number(),
  balanceAfter: z.number(),
  bookedAt: z.string().meta({ format: 'date-time' }),
});

export const transactionPageSchema = z.looseObject({
  items: z.array(visibleTransactionSchema.partial()),
  /** Where the next page begins; null when there is nothing more now. */
  next: z.string().nullable(),
  /** Something before these rows can no longer be had. */
  gap: z.looseObject({ reason: z.string() }).optional(),
});

export interface TransactionPage {
  items: JsonObject[];
  next: string | null;
  gap?: { reason: string };
}
