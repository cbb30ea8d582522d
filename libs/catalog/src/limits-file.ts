import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { CatalogError, type CatalogProblem } from './catalog-error';
import { CatalogFile, entries, name, strict, type FieldPath } from './catalog-file';
import { loadFiles, type CatalogFiles, type FileText } from './catalog-files';

/** Who shares one count: what of a caller a limit is counted by. */
export const limitScopes = ['subject', 'credential', 'tenant', 'ip'] as const;
export type LimitScope = (typeof limitScopes)[number];

/** Requests over the limit wait for their turn instead of being refused at once. */
export interface LimitQueue {
  readonly maxWaitMs: number;
  /** For each caller. */
  readonly maxWaiting: number;
}

interface LimitBase {
  readonly name: string;
  readonly per: LimitScope;
  readonly queue?: LimitQueue;
  /** What happens while Redis is down: `bound` admits a share of the limit in each replica, `refuse` nothing. */
  readonly withoutRedis: 'bound' | 'refuse';
}

/** Never more than `max` in any `windowSeconds`. */
export interface WindowLimit extends LimitBase {
  readonly kind: 'window';
  readonly max: number;
  readonly windowSeconds: number;
}

/** One each `intervalUs` microseconds on the long run, and up to `burst` at once. */
export interface RateLimit extends LimitBase {
  readonly kind: 'rate';
  readonly intervalUs: number;
  readonly burst: number;
}

export type Limit = WindowLimit | RateLimit;

const secondsOf = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
type Unit = keyof typeof secondsOf;

const microseconds = 1_000_000;
// One-second buckets: this many of them are counted for each caller.
const maxWindowSeconds = 3_600;
// An interval is a whole number of microseconds; above this rate the rounding would show.
const maxPerSecond = 10_000;

const count = (max: number) => z.int().min(1).max(max);

const window = z
  .string()
  .regex(/^[1-9]\d{0,5}[smh]$/, 'write a time such as 1s, 5m or 1h')
  .transform((text) => Number(text.slice(0, -1)) * secondsOf[text.slice(-1) as Unit])
  .refine((seconds) => seconds <= maxWindowSeconds, 'is longer than 1h; use rate and burst for longer times');

const rate = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[smhd]$/, 'write a rate such as 20/s, 300/m or 10/d')
  .transform((text) => {
    const [amount, unit] = text.split('/') as [string, Unit];
    return { perSecond: Number(amount) / secondsOf[unit], interval: (secondsOf[unit] * microseconds) / Number(amount) };
  })
  .refine(({ perSecond }) => perSecond <= maxPerSecond, `is more than ${maxPerSecond}/s`)
  .transform(({ interval }) => Math.ceil(interval));

const common = {
  per: z.enum(limitScopes, `is none of ${limitScopes.join(', ')}`),
  queue: strict({ maxWaitMs: count(30_000), maxWaiting: count(10_000) }).exactOptional(),
  withoutRedis: z.enum(['bound', 'refuse'], 'is none of bound, refuse').default('bound'),
};
const windowSchema = strict({ ...common, max: count(1_000_000), window });
const rateSchema = strict({ ...common, rate, burst: count(100_000) });
const fileSchema = strict({ limits: entries });

/** The whole file, for editors. */
export const limitsFileSchema = strict({ limits: z.record(name, z.union([windowSchema, rateSchema])) });

export type LimitsByName = ReadonlyMap<string, Limit>;

/** A `limits.yaml`. What it has at first it must keep, since routes of what runs count against it. */
export function limitsFiles(path: string): CatalogFiles<LimitsByName> {
  const name = basename(path);
  let first: LimitsByName | undefined;
  const parse = (texts: Readonly<Record<string, FileText>>): LimitsByName => {
    const text = texts[name] ?? { unreadable: 'unknown' };
    if (typeof text !== 'string') throw new CatalogError(CatalogFile.missing(path, text.unreadable).problems);
    const limits = parseLimits(path, text);
    const gone = [...(first?.keys() ?? [])].filter((id) => !limits.has(id));
    if (gone.length > 0) throw new CatalogError(gone.map((id) => goneProblem(path, id)));
    first ??= limits;
    return limits;
  };
  return { name: 'limits', directory: dirname(path), files: [name], parse };
}

function goneProblem(file: string, id: string): CatalogProblem {
  const message = 'is gone, but what runs counts against it; put it back, or restart without it';
  return { file, line: 1, column: 1, field: `limits.${id}`, message };
}

/**
 * Reads a `limits.yaml`.
 *
 * @throws CatalogError with every problem of the file
 */
export function loadLimits(path: string): LimitsByName {
  return loadFiles(limitsFiles(path));
}

/** @throws CatalogError with every problem of the text */
export function parseLimits(fileName: string, text: string): LimitsByName {
  const file = new CatalogFile(fileName, text);
  const limits = new Map<string, Limit>();
  for (const [id, value] of Object.entries(file.readAll(fileSchema)?.limits ?? {})) {
    const path = ['limits', id];
    const limit = readLimit(file, id, value, path);
    if (file.read(name, id, path) !== undefined && limit !== undefined) limits.set(id, limit);
  }
  if (file.problems.length > 0) throw new CatalogError(file.problems);
  return limits;
}

function readLimit(file: CatalogFile, id: string, value: unknown, path: FieldPath): Limit | undefined {
  if (isRate(value)) {
    const read = file.read(rateSchema, value, path);
    if (read === undefined) return undefined;
    const { rate: intervalUs, ...rest } = read;
    return { kind: 'rate', name: id, intervalUs, ...rest };
  }
  const read = file.read(windowSchema, value, path);
  if (read === undefined) return undefined;
  const { window: windowSeconds, ...rest } = read;
  return { kind: 'window', name: id, windowSeconds, ...rest };
}

/** Which of the two kinds the author meant, so that the problems are those of that kind only. */
function isRate(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('rate' in value || 'burst' in value);
}
