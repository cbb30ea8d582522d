import { contractShapes } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { compileCondition, type Condition } from '@tidegate/expression';
import { z } from 'zod';
import { name, strict, type CatalogFile, type FieldPath } from './catalog-file';
import type { Stream } from './streams-file';

export const viewSchema = strict({ from: name, where: z.string().min(1) });

/** Whether an entry of the file means to be a view, also where it is a broken one. */
export function isView(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'from' in value;
}

/** The view `id`, like the stream that it is made of but for its rows; undefined, and reported, when that cannot be. */
export function readView(
  file: CatalogFile,
  id: string,
  value: unknown,
  { valid, declared }: { valid: ReadonlyMap<string, Stream>; declared: Readonly<Record<string, unknown>> },
): Stream | undefined {
  const path = ['streams', id];
  const view = file.read(viewSchema, value, path);
  if (view === undefined) return undefined;
  const { from, where: source } = view;
  if (!Object.hasOwn(declared, from)) {
    file.report([...path, 'from'], `there is no stream "${from}"; there are ${Object.keys(declared).join(', ')}`);
  } else if (isView(declared[from])) {
    file.report([...path, 'from'], `"${from}" is a view itself, and views are one level deep; name its stream`);
  }
  const base = valid.get(from);
  const where = base && compileWhere(file, [...path, 'where'], source, base);
  return where && { ...base, name: id, view: { from, where } };
}

function compileWhere(file: CatalogFile, path: FieldPath, source: string, { schema }: Stream): Condition | undefined {
  try {
    const condition = compileCondition(source, { row: contractShapes[schema] });
    if (condition.uses.sub.length === 0) return condition;
    file.report(path, 'sub is not available here, since a view is the same for all; ask for it in a grant');
  } catch (error) {
    file.report(path, AppError.from(error).message);
  }
  return undefined;
}
