import { z } from 'zod';
import { id } from './field';

/** A customer as `shop.customers` carries it; the topic's key is `customerId`. */
export const customerSchema = z.object({
  customerId: id,
  tenantId: id,
  name: z.string(),
  email: z.string(),
  phone: z.string(),
  address: z.string(),
  ageBand: z.string().nullable().optional(),
  incomeBand: z.string().nullable().optional(),
  householdSize: z.string().nullable().optional(),
});
export type Customer = z.output<typeof customerSchema>;
