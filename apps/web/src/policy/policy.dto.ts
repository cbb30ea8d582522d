import { type JsonObject } from '@tidegate/contracts';
import { z } from 'zod';

const text = z.string().min(1).max(256);
const object = z.record(z.string(), z.unknown());

/** Somebody, as the claims of a token say, and a row of a stream. */
export const explainSchema = z.strictObject({
  principal: z.strictObject({
    roles: z.array(text).max(64),
    tenant: text.nullish().meta({ description: 'Without one, only grants across tenants give anything' }),
    subject: text,
    claims: object.optional().meta({ description: 'The other claims, as conditions read them from `sub.claims`' }),
  }),
  stream: text,
  record: object.meta({ description: 'A row as the stream has it before the policy' }),
});
export type Explain = z.output<typeof explainSchema>;

/** What the schema took from JSON is JSON. */
export function jsonOf(value: Record<string, unknown>): JsonObject {
  return value as JsonObject;
}

const verdict = { verdict: z.enum(['match', 'no-match', 'error']), error: z.string().optional() };

// Answers may get more fields: clients are told so.
export const explanationSchema = z.looseObject({
  visible: z.boolean(),
  view: z.looseObject({ where: z.string(), matched: z.boolean() }).optional().meta({
    description: 'Where the stream is a view: which rows are in it, and whether this one is',
  }),
  /** Those to `read` the stream that the roles have; one that matches gives the row. */
  grants: z.array(
    z.looseObject({
      id: z.string(),
      matched: z.boolean(),
      tenant: z.boolean().meta({ description: 'Whether the grant reaches the tenant of the row' }),
      where: z.string().nullable().meta({ description: 'The condition of the grant; null: it has none' }),
      clauses: z
        .array(z.looseObject({ source: z.string(), ...verdict }))
        .meta({ description: 'The parts of `where` that must all be true' }),
      error: z.string().optional().meta({ description: 'Why the condition cannot be judged, which is no match' }),
    }),
  ),
  row: object.nullable().meta({ description: 'The row as the principal sees it; null: not at all' }),
});
