import type { Account, Order, Transaction } from '@tidegate/contracts';
import { fromCents, toCents } from '../money';

const businessIncomes = new Set(['150-174K', '175-199K', '200-249K', '250K+']);
/** On top of what the history spends, so that a demo begins with something to spend. */
const reserveCents = 500_000;

/** High incomes bank as business; everybody else, and whoever's income is not known, as retail. */
export function segmentOf(incomeBand: string | null | undefined): Account['segment'] {
  return typeof incomeBand === 'string' && businessIncomes.has(incomeBand) ? 'business' : 'retail';
}

/** The movement of an order: money out, or in where the total is below zero. */
export function amountOf(order: Pick<Order, 'total'>): number {
  return fromCents(-toCents(order.total));
}

/** An order is booked under this id, and so only once. */
export function transactionIdOf(orderId: string): string {
  return `order-${orderId}`;
}

export interface Holder extends Omit<Account, 'balance' | 'updatedAt'> {
  customerName: string;
  accountNumber: string;
}

export interface Ledger {
  account: Account;
  transactions: (Transaction & { orderId: string })[];
}

/** The account of a customer who placed these orders, oldest first; `createdAt` counts where there are none. */
export function openLedger(
  { customerName, accountNumber, ...account }: Holder,
  orders: readonly Pick<Order, 'orderId' | 'total' | 'placedAt'>[],
  createdAt: string,
): Ledger {
  const spentCents = orders.reduce((sum, order) => sum + toCents(order.total), 0);
  let balanceCents = Math.ceil((spentCents + reserveCents) / 10_000) * 10_000;
  const transactions = orders.map((order) => {
    balanceCents -= toCents(order.total);
    return {
      transactionId: transactionIdOf(order.orderId),
      orderId: order.orderId,
      ...account,
      amount: amountOf(order),
      balanceAfter: fromCents(balanceCents),
      bookedAt: order.placedAt,
      customerName,
      accountNumber,
    };
  });
  const updatedAt = orders.at(-1)?.placedAt ?? createdAt;
  return { account: { ...account, balance: fromCents(balanceCents), updatedAt }, transactions };
}
