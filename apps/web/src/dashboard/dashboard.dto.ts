import { type JsonObject } from '@tidegate/contracts';
import { errorCodes, type ErrorCode } from '@tidegate/errors';
import { z } from 'zod';

/** An id in a path: no dots alone, which would lead to another path of the service. */
export const customerIdSchema = z
  .string()
  .regex(/^(?!\.{1,2}$)[\w.-]{1,64}$/, 'Expected 1 to 64 letters, digits or any of . _ -');

/** How a part came about: `fresh` from its service now, or `failed` with the reason and null in its place. */
export type Part = { status: 'fresh'; ageMs: 0 } | { status: 'failed'; ageMs: 0; code: ErrorCode };

export interface Dashboard {
  customer: JsonObject | null;
  /** The newest orders first. */
  recentOrders: JsonObject[] | null;
  account: JsonObject | null;
  parts: Record<'customer' | 'recentOrders' | 'account', Part>;
}

const row = z.record(z.string(), z.unknown());
const part = z.object({
  status: z.enum(['fresh', 'failed']),
  ageMs: z.number(),
  code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]).optional(),
});

/** The answer as the OpenAPI document tells it. Rows have the fields of their contracts that the caller may see. */
export const dashboardSchema = z.object({
  customer: row.nullable(),
  recentOrders: z.array(row).nullable(),
  account: row.nullable(),
  parts: z.object({ customer: part, recentOrders: part, account: part }),
});
