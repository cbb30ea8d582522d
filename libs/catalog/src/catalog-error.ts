import { AppError } from '@tidegate/errors';

/** What is wrong with the catalog, where, and what would mend it. Lines and columns count from 1. */
export interface CatalogProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly message: string;
}

/** A catalog that cannot be used; the message lists every problem. */
export class CatalogError extends AppError {
  constructor(readonly problems: readonly CatalogProblem[]) {
    super(
      'invalid_catalog',
      problems
        .map(({ file, line, column, field, message }) => `${file}:${line}:${column} ${field}: ${message}`)
        .join('\n'),
    );
  }
}
