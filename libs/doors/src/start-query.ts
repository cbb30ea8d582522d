import { AppError, type FieldProblem } from '@tidegate/errors';
import type { StreamStart } from '@tidegate/streams';
import { z } from 'zod';

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `Expected a whole number from ${min} to ${max}.`)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** How a stream is asked for in a query: `events` is the only mode so far. */
export const startQuerySchema = z.strictObject({
  after: z.string().optional(),
  from: z.string().optional(),
  mode: z.string().optional(),
});

export const recordsQuerySchema = z.strictObject({
  after: z.string().optional(),
  from: z.string().optional(),
  limit: whole(1, 1_000).default(100),
  waitMs: whole(0, 30_000).default(0),
});

export type StartQuery = z.output<typeof startQuerySchema>;
export type RecordsQuery = z.output<typeof recordsQuerySchema>;

/** @throws AppError `mode_not_offered` */
export function startOf({ after, from, mode }: { [Key in keyof StartQuery]?: StartQuery[Key] }): StreamStart {
  if (mode !== undefined && mode !== 'events') {
    const detail = 'The stream offers mode=events only.';
    throw new AppError('mode_not_offered', detail, { details: [{ pointer: '/mode', detail }] });
  }
  return { ...(after !== undefined && { after }), ...(from !== undefined && { from }) };
}

/** The query of an upgrade, which passes no framework. @throws AppError `invalid_argument`, naming the parameters */
export function parseStartQuery(query: URLSearchParams): StartQuery {
  const problems: FieldProblem[] = [];
  const values: Record<string, string> = {};
  for (const name of new Set(query.keys())) {
    const all = query.getAll(name);
    if (!Object.hasOwn(startQuerySchema.shape, name)) problems.push(problem(name, 'Unknown parameter; remove it.'));
    else if (all.length > 1) problems.push(problem(name, 'Given more than once; send it once.'));
    else values[name] = all[0] ?? '';
  }
  if (problems.length === 0) return startQuerySchema.parse(values);
  throw new AppError('invalid_argument', 'The query has invalid input.', { details: problems });
}

function problem(name: string, detail: string): FieldProblem {
  return { pointer: `/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`, detail };
}
