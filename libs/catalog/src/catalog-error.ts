import { AppError } from '@tidegate/errors';

/** What is wrong with the catalog, where, and what would mend it. Lines and columns count from 1. */
export interface CatalogProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The path of the value, such as `streams.orders.key[0]`. */
  readonly field: string;
  readonly message: string;
}

/** A catalog that cannot be used; the message lists every problem, a line each. */
export class CatalogError extends AppError {
  constructor(readonly problems: readonly CatalogProblem[]) {
    const lines = problems.map(
      ({ file, line, column, field, message }) => `${file}:${line}:${column} ${field}: ${message}`,
    );
    super('invalid_catalog', lines.join('\n'));
  }
}
