import { AppError, type FieldProblem } from '@tidegate/errors';
import type { StreamStart } from '@tidegate/streams';
import { z } from 'zod';

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `Expected a whole number from ${min} to ${max}.`)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** How a stream is asked for in a query; the fields of a `sub` frame are the same. */
export const startQuerySchema = z.strictObject({
  after: z.string().optional(),
  from: z.string().optional(),
  mode: z.string().optional(),
  where: z.string().min(1).max(4_096).optional(),
  sub: z.string().min(1).max(128).optional(),
  delivery: z.enum(['at-least-once', 'at-most-once']).optional(),
});

export const recordsQuerySchema = startQuerySchema.omit({ sub: true, delivery: true }).extend({
  limit: whole(1, 1_000).default(100),
  waitMs: whole(0, 30_000).default(0),
});

export const acknowledgementSchema = z.strictObject({
  sub: z.string().min(1).max(128),
  cursor: z.string().min(1).max(4_096),
});

export type StartQuery = z.output<typeof startQuerySchema>;
export type RecordsQuery = z.output<typeof recordsQuerySchema>;
export type Acknowledgement = z.output<typeof acknowledgementSchema>;

const modes = ['events', 'latest'] as const;

/** What is asked for, without fields that say nothing. @throws AppError `mode_not_offered` for what no stream offers */
export function startOf({ mode, ...rest }: { [Key in keyof StartQuery]?: StartQuery[Key] }): StreamStart {
  const known = modes.find((one) => one === mode);
  if (mode !== undefined && known === undefined) {
    const detail = `Streams offer ${modes.join(' and ')} at most.`;
    throw new AppError('mode_not_offered', detail, { details: [{ pointer: '/mode', detail }] });
  }
  const start = { ...rest, ...(known !== undefined && { mode: known }) };
  return Object.fromEntries(Object.entries(start).filter(([, value]) => value !== undefined));
}

/** The query of an upgrade, which passes no framework. @throws AppError `invalid_argument`, naming the parameters */
export function parseStartQuery(query: URLSearchParams): StartQuery {
  const problems: FieldProblem[] = [];
  const values: Record<string, string> = {};
  for (const name of new Set(query.keys())) {
    const all = query.getAll(name);
    if (isSecretName(name)) problems.push(problem(name, secretDetail));
    else if (!Object.hasOwn(startQuerySchema.shape, name))
      problems.push(problem(name, 'Unknown parameter; remove it.'));
    else if (all.length > 1) problems.push(problem(name, 'Given more than once; send it once.'));
    else values[name] = all[0] ?? '';
  }
  const checked = startQuerySchema.safeParse(values);
  if (!checked.success) {
    for (const { path, message } of checked.error.issues) problems.push(problem(String(path[0]), message));
  }
  if (problems.length === 0 && checked.success) return checked.data;
  throw new AppError('invalid_argument', 'The query has invalid input.', { details: problems });
}

const secretDetail = 'Nothing secret belongs in a URL; send Authorization: Bearer, or from a browser a ticket.';

/** Whether a query holds what looks like a credential: whoever sends it has to be told, and use another one from now on. */
export function secretIn(query: URLSearchParams): boolean {
  return [...query.keys()].some(isSecretName);
}

function isSecretName(name: string): boolean {
  return /^(?:access[-_]?token|token|ticket|jwt|auth(?:orization)?|bearer|x?[-_]?api[-_]?key)$/i.test(name);
}

function problem(name: string, detail: string): FieldProblem {
  return { pointer: `/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`, detail };
}
