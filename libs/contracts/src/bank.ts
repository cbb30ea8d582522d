import { z } from 'zod';
import { id, jsonNumber, moment } from './field';

const segment = z.enum(['retail', 'business']);

/** The state of an account as `bank.accounts` carries it; the topic's key is `accountId`. */
export const accountSchema = z.object({
  accountId: id,
  customerId: id,
  tenantId: id,
  segment,
  currency: z.string().length(3),
  balance: jsonNumber,
  updatedAt: moment,
});
export type Account = z.output<typeof accountSchema>;

/** A booked movement as `bank.transactions` carries it; the topic's key is `accountId`. */
export const transactionSchema = z.object({
  transactionId: id,
  accountId: id,
  customerId: id,
  tenantId: id,
  segment,
  amount: jsonNumber,
  currency: z.string().length(3),
  balanceAfter: jsonNumber,
  bookedAt: moment,
  customerName: z.string(),
  accountNumber: z.string(),
});
export type Transaction = z.output<typeof transactionSchema>;

/** Either way; in cents far below what a double counts exactly. */
const maxAmount = 1_000_000_000;

const movedAmount = z
  .number()
  .min(-maxAmount)
  .max(maxAmount)
  .refine((amount) => amount !== 0, 'must not be zero')
  .refine((amount) => Number(amount.toFixed(2)) === amount, 'must have at most two decimals');

/** What a database takes as it is. */
const plainId = z.string().regex(/^[\w.:@-]{1,64}$/, 'must be 1 to 64 letters, digits or any of _ . : @ -');

/** A movement that a partner asks for, as `bank.transaction-requests` carries it; the topic's key is `accountId`. */
export const transactionRequestSchema = z.object({
  /** The movement is booked under this id, and so only once. */
  transactionId: z.uuid(),
  accountId: plainId,
  /** Money in is above zero, money out below; not zero, at most two decimals. */
  amount: movedAmount,
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, as EUR'),
  reference: z
    .string()
    .min(1)
    .max(140)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters')
    .optional(),
  tenantId: plainId,
  clientId: id,
  requestedAt: moment,
});
export type TransactionRequest = z.output<typeof transactionRequestSchema>;
