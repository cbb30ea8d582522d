import type { Queryable } from '@tidegate/postgres';

type ColumnType = 'text' | 'numeric' | 'timestamptz' | 'json';
type Column<T> = readonly [ColumnType, (row: T) => string | number | null];

const rowsPerStatement = 1_000;

export function* chunks<T>(rows: readonly T[]): Generator<T[]> {
  for (let from = 0; from < rows.length; from += rowsPerStatement) yield rows.slice(from, from + rowsPerStatement);
}

/** Inserts many rows with few statements. Table and columns are trusted names. */
export async function insertRows<T>(
  database: Queryable,
  table: string,
  rows: readonly T[],
  columns: Readonly<Record<string, Column<T>>>,
): Promise<void> {
  const names = Object.keys(columns);
  // One array per column, whatever the number of rows: a placeholder per value would end at 65,535 of them.
  const arrays = Object.values(columns).map(([type], index) => `$${index + 1}::${type}[]`);
  const statement = `INSERT INTO ${table} (${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`;
  for (const some of chunks(rows)) {
    await database.query(
      statement,
      Object.values(columns).map(([, value]) => some.map(value)),
    );
  }
}
