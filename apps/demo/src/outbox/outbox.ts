import type { Queryable } from '@tidegate/postgres';

/** A record that Kafka is to have once the transaction around it is committed. */
export interface OutboxRecord {
  topic: string;
  key: string;
  value: object;
}

export const outboxChannel = 'outbox';

const insert = `
  INSERT INTO outbox.records (topic, key, value)
  SELECT topic, key, value
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS record (topic, key, value, position)
  ORDER BY position
  RETURNING id`;

/**
 * Puts records into the outbox of a transaction. For the order per key, call it after the row that the key stands for
 * is locked: ids are given out at insert, and only that lock makes their order the order of the commits.
 */
export async function enqueue(transaction: Queryable, records: readonly OutboxRecord[]): Promise<void> {
  if (records.length === 0) return;
  // The notification is delivered at the commit, never before.
  await transaction.query(`WITH added AS (${insert}) SELECT pg_notify('${outboxChannel}', '')`, [
    records.map(({ topic }) => topic),
    records.map(({ key }) => key),
    records.map(({ value }) => JSON.stringify(value)),
  ]);
}
