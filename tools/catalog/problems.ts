import { CatalogError, type CatalogProblem } from '@tidegate/catalog';
import path from 'node:path';

/** What reading something of the catalog brings to light, or throws. */
export function problemsOf(read: () => readonly CatalogProblem[]): readonly CatalogProblem[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return error.problems;
  }
}

/** As compilers write it. */
export function lineOf(directory: string, { file, line, column, field, message }: CatalogProblem): string {
  return `${path.join(directory, file)}:${line}:${column} ${field}: ${message}`;
}
