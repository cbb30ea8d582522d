import { AppError } from '@tidegate/errors';
import { schemaIdOf } from './avro-format';
import type { SchemaRegistry } from './schema-registry';
import type { StreamRecord } from './stream-record';

/** Schemas that are asked for at a time, so that a flood of made-up ids is no flood of requests. */
const maxAtOnce = 8;

/** Gives records of Avro what reads them before anybody decodes them. */
export class Schemas {
  private readonly topics = new Set<string>();

  constructor(private readonly registry: Pick<SchemaRegistry, 'known' | 'schema'> | undefined) {}

  /** From now on the records of the topic want schemas; true when they did not before. */
  need(topic: string): boolean {
    const known = this.topics.has(topic);
    this.topics.add(topic);
    return !known;
  }

  /** How many of the records, from the first on, can be decoded with what is at hand. */
  ready(topic: string, records: readonly StreamRecord[]): number {
    if (!this.topics.has(topic)) return records.length;
    const first = records.findIndex((record) => !this.equip(record));
    return first < 0 ? records.length : first;
  }

  /** Asks for what is not at hand. @throws AppError `unavailable`: ask again */
  async fetch(records: readonly StreamRecord[]): Promise<void> {
    const { registry } = this;
    if (registry === undefined) {
      throw new AppError('unavailable', 'schema registry: none is configured (SCHEMA_REGISTRY_URL)');
    }
    for (;;) {
      const missing = new Set(records.filter((record) => !this.equip(record)).map((record) => schemaIdOf(record) ?? 0));
      const next = [...missing].slice(0, maxAtOnce);
      if (next.length === 0) return;
      await Promise.all(
        next.map(async (id) => {
          const readAvro = await registry.schema(id);
          for (const record of records) if (schemaIdOf(record) === id) record.readAvro = readAvro;
        }),
      );
    }
  }

  /** Whether the record can be decoded, be it to be found broken. */
  private equip(record: StreamRecord): boolean {
    if (record.readAvro !== undefined) return true;
    const id = schemaIdOf(record);
    const readAvro = id === undefined ? undefined : this.registry?.known(id);
    if (readAvro !== undefined) record.readAvro = readAvro;
    return id === undefined || readAvro !== undefined;
  }
}
