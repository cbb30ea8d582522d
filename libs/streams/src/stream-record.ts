import type { JsonObject } from '@tidegate/contracts';
import type { KafkaRecord } from '@tidegate/kafka';
import type { ReadAvro } from './avro-schema';

/** Whose entity a tombstone deletes, as its producer said in the headers. */
interface TombstoneOwner {
  tenant: string;
  subject: string | undefined;
}

/** One row of a record; `text`, JSON of one line, is filled when somebody needs the whole row written out. */
export interface DecodedRow {
  readonly row: JsonObject;
  text: string | undefined;
}

/** What a decoder made of a record. */
export interface DecodedRecord {
  readonly decoder: object;
  readonly rows: readonly DecodedRow[];
}

/** As much of a record as its rows are made of. */
export type PayloadBytes = Pick<StreamRecord, 'value' | 'readAvro'>;

/** A record that is kept: bytes of its own, so that it pins no fetch buffer. */
export interface StreamRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly owner: TombstoneOwner | undefined;
  /** Whether a tail brought it, or a read of what stands further back in the log. */
  readonly via: 'tail' | 'range';
  decoded: DecodedRecord | undefined;
  /** What reads it, where it is Avro: kept, since by now the schema may be forgotten. */
  readAvro?: ReadAvro;
  /** That it is broken has been told. */
  reported: boolean;
}

/** Copies records out of the bytes they were fetched in, one allocation for all of them. */
export function keepRecords(records: readonly KafkaRecord[], via: StreamRecord['via']): StreamRecord[] {
  const size = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  const keep = (part: Buffer | null) => {
    if (part === null) return null;
    const start = at;
    at += part.copy(bytes, at);
    return bytes.subarray(start, at);
  };
  return records.map((record) => ({
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestampMs: record.timestampMs,
    key: keep(record.key),
    value: keep(record.value),
    owner: record.value === null ? ownerOf(record) : undefined,
    via,
    decoded: undefined,
    reported: false,
  }));
}

export function sizeOf(record: StreamRecord): number {
  // What the object itself weighs beside its bytes, roughly.
  const overhead = 200;
  return overhead + (record.key?.length ?? 0) + (record.value?.length ?? 0);
}

function ownerOf(record: KafkaRecord): TombstoneOwner | undefined {
  const headers = new Map(record.headers());
  const tenant = headers.get('tg-tenant')?.toString();
  return tenant === undefined ? undefined : { tenant, subject: headers.get('tg-subject')?.toString() };
}
