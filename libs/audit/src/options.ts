import { z } from 'zod';

const count = (value: number) => z.number().int().positive().default(value);

/** How the events of one process wait for Kafka. Sizes are bytes, times milliseconds. */
export const auditOptionsSchema = z.object({
  /** The app, in every event. */
  app: z.string().regex(/^[a-z][a-z\d-]{0,31}$/),
  /** Events that may wait; a fifth of them is kept for what is not a permitted read. */
  maxEvents: count(10_000),
  maxBytes: count(16 * 1024 * 1024),
  /** How long the last events may take at the end of the process. */
  flushMs: z.number().int().nonnegative().default(3_000),
  /** Events are gathered this long, so that a busy process sends few requests. */
  lingerMs: z.number().int().nonnegative().default(20),
});

export type AuditOptions = z.input<typeof auditOptionsSchema>;
export type AuditSettings = z.output<typeof auditOptionsSchema>;
