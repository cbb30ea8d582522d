import { Injectable } from '@nestjs/common';
import type { Account } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { Pool } from '@tidegate/postgres';
import { toAccount, type AccountRow } from './account-row';

/** Accounts of the bank. */
@Injectable()
export class AccountsService {
  constructor(private readonly pool: Pool) {}

  byCustomer(customerId: string): Promise<Account> {
    return this.one('customer_id', customerId, `Customer ${customerId} has no account.`);
  }

  get(accountId: string): Promise<Account> {
    return this.one('account_id', accountId, `There is no account ${accountId}.`);
  }

  private async one(column: 'customer_id' | 'account_id', value: string, otherwise: string): Promise<Account> {
    const { rows } = await this.pool.query<AccountRow>(`SELECT * FROM accounts.accounts WHERE ${column} = $1`, [value]);
    if (rows[0] === undefined) throw new AppError('not_found', otherwise);
    return toAccount(rows[0]);
  }
}
