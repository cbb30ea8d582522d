import type { JsonObject } from '@tidegate/contracts';
import { RangeReader } from '@tidegate/kafka';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoggedRecord {
  partition: number;
  key: string;
  value: JsonObject;
}

/** What a topic gets from now on (or from its start), read record by record as any consumer would. */
export class TopicLog {
  readonly records: LoggedRecord[] = [];

  private constructor(
    private readonly reader: RangeReader,
    readonly topic: string,
    private readonly positions: bigint[],
  ) {}

  static async open(brokers: readonly string[], topic: string, from: 'earliest' | 'latest'): Promise<TopicLog> {
    const logger = createLogger({ service: 'test', level: 'silent' });
    const reader = new RangeReader({ brokers: [...brokers] }, { logger, registry: createRegistry() });
    return new TopicLog(reader, topic, await reader.offsets(topic, from));
  }

  /** Reads until `done` says so. */
  async until(done: (records: readonly LoggedRecord[]) => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done(this.records)) {
      if (Date.now() > deadline) throw new Error(`${this.topic}: not within ${timeoutMs} ms`);
      if (!(await this.read())) await sleep(5);
    }
  }

  /** Reads what is there. */
  async readAll(): Promise<void> {
    while (await this.read());
  }

  of(key: string): JsonObject[] {
    return this.records.filter((record) => record.key === key).map(({ value }) => value);
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  private async read(): Promise<boolean> {
    let found = false;
    for (const [partition, from] of this.positions.entries()) {
      const { records, next } = await this.reader.readRange(this.topic, partition, from, 1_048_576);
      this.positions[partition] = next;
      found ||= records.length > 0;
      for (const { key, value } of records) {
        this.records.push({ partition, key: String(key), value: JSON.parse(String(value)) as JsonObject });
      }
    }
    return found;
  }
}
