import { type JsonObject } from '@tidegate/contracts';
import { z } from 'zod';

/** Phones show short lists: 20 rows unless asked, 100 at most. */
export const listOrdersSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().min(1).max(512).optional(),
});
export type ListOrders = z.infer<typeof listOrdersSchema>;

export interface OrderPage {
  items: JsonObject[];
  next: string | null;
}
