export interface KeyedRow {
  id: string;
  topic: string;
  key: string;
}

/**
 * The ids that need not be sent again: acknowledged, and no earlier row of their key failed. A row behind a failed one
 * is sent again after it, so that the last record of a key is always its newest.
 */
export function settledIds(rows: readonly KeyedRow[], acknowledged: readonly boolean[]): string[] {
  const failedKeys = new Set<string>();
  return rows.flatMap((row, index) => {
    const key = `${row.topic}/${row.key}`;
    if (acknowledged[index] !== true) failedKeys.add(key);
    return failedKeys.has(key) ? [] : [row.id];
  });
}
