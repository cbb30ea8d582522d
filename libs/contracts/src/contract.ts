import type { z } from 'zod';
import { auditRowSchema } from './audit';
import { accountSchema, transactionSchema } from './bank';
import { customerSchema } from './customer';
import { orderSchema } from './order';
import { telemetrySchema } from './telemetry';

/** The contracts of rows, by the names that the catalog's `schema:` uses. */
export const contractSchemas = {
  order: orderSchema,
  customer: customerSchema,
  account: accountSchema,
  transaction: transactionSchema,
  telemetry: telemetrySchema,
  audit: auditRowSchema,
} as const satisfies Record<string, z.ZodObject>;

export type ContractName = keyof typeof contractSchemas;
