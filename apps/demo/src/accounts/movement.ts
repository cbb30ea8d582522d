import { topics } from '@tidegate/contracts';
import { inTransaction, type Pool, type Queryable } from '@tidegate/postgres';
import { enqueue } from '../outbox/outbox';
import { toAccount, toTransaction, type AccountRow } from './account-row';

/** A change of one account's balance. */
export interface Movement {
  /** A movement is booked under this id, and so only once. */
  transactionId: string;
  orderId?: string;
  /** Money in is above zero, money out below. */
  amount: number;
  /** By its owner; or by its id, and then only if tenant and currency are these. */
  account: { customerId: string } | { accountId: string; tenantId: string; currency: string };
}

export type BookingOutcome = 'booked' | 'repeated' | 'no_account';

/** Books a movement and tells Kafka of it and of the new balance, once however often it comes. */
export async function bookMovement(pool: Pool, movement: Movement): Promise<BookingOutcome> {
  const { transactionId, orderId = null, amount } = movement;
  try {
    return await inTransaction(pool, async (transaction) => {
      const account = await changeBalance(transaction, movement);
      if (account === undefined) return 'no_account';
      const booked = toTransaction(transactionId, amount, account);
      const { count } = await transaction.query(
        `INSERT INTO accounts.transactions (transaction_id, order_id, account_id, amount, balance_after, booked_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        [transactionId, orderId, booked.accountId, amount, account.balance, account.updated_at],
      );
      if (count === 0) throw new AlreadyBooked();
      await enqueue(transaction, [
        { topic: topics.transactions, key: booked.accountId, value: booked },
        { topic: topics.accounts, key: booked.accountId, value: toAccount(account) },
      ]);
      return 'booked';
    });
  } catch (error) {
    if (error instanceof AlreadyBooked) return 'repeated';
    throw error;
  }
}

/** Changes the balance, and with that locks the account until the end of the transaction. */
async function changeBalance(transaction: Queryable, { account, amount }: Movement): Promise<AccountRow | undefined> {
  const [condition, values] =
    'customerId' in account
      ? ['customer_id = $3', [account.customerId]]
      : [
          'account_id = $3 AND tenant_id = $4 AND currency = $5',
          [account.accountId, account.tenantId, account.currency],
        ];
  const { rows } = await transaction.query<AccountRow>(
    `UPDATE accounts.accounts SET balance = balance + $1::numeric, updated_at = $2 WHERE ${condition} RETURNING *`,
    [amount, new Date(), ...values],
  );
  return rows[0];
}

/** Rolls the change back: the movement was booked before, perhaps by another replica a moment ago. */
class AlreadyBooked extends Error {}
