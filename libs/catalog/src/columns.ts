import type { ObjectShape, Shape } from '@tidegate/contracts';
import { z } from 'zod';
import { name, strict, type CatalogFile, type FieldPath } from './catalog-file';

const momentUnits = ['year', 'month', 'day', 'hour'] as const;
type MomentUnit = (typeof momentUnits)[number];

const kept = z.int().min(1).max(64);
/** With more decimals, doubles could not say where one range ends and the next begins. */
const width = z
  .number()
  .refine(
    (value) => value >= 1e-6 && value <= 1e12 && Number(value.toFixed(6)) === value,
    'must be from 0.000001 to 1000000000000, with at most six decimals',
  );
const maskSchema = z.union(
  [
    z.literal('redact'),
    strict({ keepFirst: kept }),
    strict({ keepLast: kept }),
    strict({ hash: name }),
    strict({ generalise: z.union([z.enum(momentUnits), width]) }),
  ],
  {
    error:
      'give redact, { keepFirst: n } or { keepLast: n } with n from 1 to 64, { hash: name }, ' +
      '{ generalise: year, month, day or hour } or { generalise: width }',
  },
);
const paths = z.array(z.string().min(1));

export const columnsSchema = strict({
  allow: paths.min(1).exactOptional(),
  deny: paths.default([]),
  mask: z.record(z.string(), maskSchema).default({}),
});

/**
 * `keepFirst` and `keepLast` count characters. Text hashed under the same name gives the same, within a tenant.
 * `generalise` leaves of a time its year, month, day or hour, and of a number the range of that width that it is in.
 */
export type Mask =
  | 'redact'
  | { readonly keepFirst: number }
  | { readonly keepLast: number }
  | { readonly hash: string }
  | { readonly generalise: MomentUnit | number };

/** What a grant shows of a row. Paths reach into objects (`address.city`) and through arrays and maps (`lines.sku`). */
export interface Columns {
  /** Without it, the fields of the contract. */
  readonly allow?: readonly string[];
  readonly deny: readonly string[];
  readonly mask: Readonly<Record<string, Mask>>;
}

/** Reports paths that the contract does not have, masks that do not fit their field, and rules that cancel each other. */
export function checkColumns(
  file: CatalogFile,
  at: FieldPath,
  columns: Columns,
  contract: { name: string; shape: ObjectShape },
): void {
  const { allow, deny, mask } = columns;
  const exists = (path: string, where: FieldPath): Shape | undefined => {
    const shape = shapeAt(contract.shape, path);
    if (shape === undefined) file.report(where, `the contract ${contract.name} has no field "${path}"`);
    return shape;
  };
  allow?.forEach((path, index) => exists(path, [...at, 'allow', index]));
  deny.forEach((path, index) => exists(path, [...at, 'deny', index]));
  for (const [path, rule] of Object.entries(mask)) {
    const where = [...at, 'mask', path];
    const shape = exists(path, where);
    const misfit = shape && misfitOf(rule, innermost(shape));
    if (misfit !== undefined) file.report(where, `"${path}" is ${misfit}`);
    if (deny.some((denied) => covers(denied, path))) file.report(where, 'is denied too; remove one of the two rules');
    if (allow?.some((allowed) => covers(allowed, path) || covers(path, allowed)) === false) {
      file.report(where, 'is not among the allowed columns, so there is nothing to mask');
    }
  }
}

/** Why a mask is none for such values. */
function misfitOf(mask: Mask, shape: Shape): string | undefined {
  if (mask === 'redact') return undefined;
  const text = shape.kind === 'string';
  if ('hash' in mask) return text ? undefined : 'no text, so it cannot be hashed; use redact';
  if (!('generalise' in mask)) return text ? undefined : 'no text, so no part of it can be kept; use redact';
  if (typeof mask.generalise === 'number') {
    return shape.kind === 'number' ? undefined : 'no number, so it is in no range; use redact';
  }
  return text && shape.moment ? undefined : `no time, so it has no ${mask.generalise}; use redact`;
}

/** What a contract says of a path; lists and maps on the way are passed through. */
function shapeAt(root: ObjectShape, path: string): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const segment of path.split('.')) {
    const container: Shape | undefined = shape && innermost(shape);
    shape = container?.kind === 'object' ? container.fields.get(segment) : undefined;
  }
  return shape;
}

function innermost(shape: Shape): Shape {
  return shape.kind === 'list' || shape.kind === 'map' ? innermost(shape.of) : shape;
}

function covers(outer: string, path: string): boolean {
  return path === outer || path.startsWith(`${outer}.`);
}
