import { Injectable } from '@nestjs/common';
import type { Account } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { Pool } from '@tidegate/postgres';
import { toAccount, type AccountRow } from './account-row';

/** Accounts of the bank. */
@Injectable()
export class AccountsService {
  constructor(private readonly pool: Pool) {}

  async byCustomer(customerId: string): Promise<Account> {
    const { rows } = await this.pool.query<AccountRow>('SELECT * FROM accounts.accounts WHERE customer_id = $1', [
      customerId,
    ]);
    if (rows[0] === undefined) throw new AppError('not_found', `Customer ${customerId} has no account.`);
    return toAccount(rows[0]);
  }
}
