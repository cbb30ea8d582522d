import { orderStatuses, placeOrderSchema, type Order } from '@tidegate/contracts';
import { z } from 'zod';

export const listOrdersSchema = z.strictObject({
  customerId: z.string().min(1).max(64),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().max(512).optional(),
});
export type ListOrders = z.output<typeof listOrdersSchema>;

export { placeOrderSchema };

export const changeStatusSchema = z.strictObject({ status: z.enum(orderStatuses) });
export type ChangeStatus = z.output<typeof changeStatusSchema>;

export interface OrderPage {
  items: Order[];
  next: string | null;
}
