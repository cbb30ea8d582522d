import type { Account, Transaction } from '@tidegate/contracts';
import type { Row } from '@tidegate/postgres';

/** A row of `accounts.accounts` as the driver gives it. */
export interface AccountRow extends Row {
  account_id: string;
  customer_id: string;
  tenant_id: string;
  segment: Account['segment'];
  currency: string;
  balance: string;
  account_number: string;
  customer_name: string;
  updated_at: Date;
}

export function toAccount(row: AccountRow): Account {
  return {
    accountId: row.account_id,
    customerId: row.customer_id,
    tenantId: row.tenant_id,
    segment: row.segment,
    currency: row.currency,
    balance: Number(row.balance),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** The movement that left the account as `row` shows it. */
export function toTransaction(transactionId: string, amount: number, row: AccountRow): Transaction {
  return {
    transactionId,
    accountId: row.account_id,
    customerId: row.customer_id,
    tenantId: row.tenant_id,
    segment: row.segment,
    amount,
    currency: row.currency,
    balanceAfter: Number(row.balance),
    bookedAt: row.updated_at.toISOString(),
    customerName: row.customer_name,
    accountNumber: row.account_number,
  };
}
