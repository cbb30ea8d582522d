import type { ObjectShape, Shape } from '@tidegate/contracts';
import { z } from 'zod';
import { strict, type CatalogFile, type FieldPath } from './catalog-file';

const kept = z.int().min(1).max(64);
const maskSchema = z.union([z.literal('redact'), strict({ keepFirst: kept }), strict({ keepLast: kept })], {
  error: 'give redact, { keepFirst: n } or { keepLast: n } with n from 1 to 64',
});
const paths = z.array(z.string().min(1));

export const columnsSchema = strict({
  allow: paths.min(1).exactOptional(),
  deny: paths.default([]),
  mask: z.record(z.string(), maskSchema).default({}),
});

/** `keepFirst` and `keepLast` count characters. */
export type Mask = 'redact' | { readonly keepFirst: number } | { readonly keepLast: number };

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
    if (shape !== undefined && rule !== 'redact' && innermost(shape).kind !== 'string') {
      file.report(where, `"${path}" is no text, so no part of it can be kept; use redact`);
    }
    if (deny.some((denied) => covers(denied, path))) file.report(where, 'is denied too; remove one of the two rules');
    if (allow?.some((allowed) => covers(allowed, path) || covers(path, allowed)) === false) {
      file.report(where, 'is not among the allowed columns, so there is nothing to mask');
    }
  }
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
