import { orderStatuses, type OrderStatus } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';

/** The step after a status; undefined after the last. */
export function nextStatus(status: OrderStatus): OrderStatus | undefined {
  return orderStatuses[orderStatuses.indexOf(status) + 1];
}

/** @throws AppError `conflict` unless `to` is the step right after `from`. */
export function assertNext(orderId: string, from: OrderStatus, to: OrderStatus): void {
  const next = nextStatus(from);
  if (next === to) return;
  const mend = next === undefined ? 'nothing comes after it' : `the next step is ${next}`;
  throw new AppError('conflict', `Order ${orderId} is ${from}: ${mend}.`, {
    details: [{ pointer: '/status', detail: next === undefined ? 'the order is complete' : `must be ${next}` }],
  });
}
