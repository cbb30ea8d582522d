import { z } from 'zod';
import { id, jsonNumber, moment } from './field';

export const orderStatuses = ['placed', 'paid', 'picked', 'shipped', 'delivered'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const orderLineSchema = z.object({
  sku: id,
  product: z.string().nullable(),
  brand: z.string().nullable(),
  department: z.string().nullable(),
  quantity: jsonNumber,
  unitPrice: jsonNumber,
  discount: jsonNumber,
});
export type OrderLine = z.output<typeof orderLineSchema>;

/** An order as `shop.orders` carries it; the topic's key is `orderId`. */
export const orderSchema = z.object({
  orderId: id,
  customerId: id,
  tenantId: id,
  status: z.enum(orderStatuses),
  placedAt: moment,
  updatedAt: moment,
  total: jsonNumber,
  currency: z.string().length(3),
  storeId: id,
  lines: z.array(orderLineSchema),
  internalNotes: z.string().nullable().optional(),
});
export type Order = z.output<typeof orderSchema>;

/** What somebody sends to place an order. */
export const placeOrderSchema = z.strictObject({
  customerId: z.string().min(1).max(64),
  lines: z
    .array(z.strictObject({ sku: z.string().min(1).max(64), quantity: z.int().min(1).max(999) }))
    .min(1)
    .max(100),
});
export type PlaceOrder = z.output<typeof placeOrderSchema>;
