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
