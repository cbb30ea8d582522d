import type { JsonObject } from '@tidegate/contracts';
import { RangeReader } from '@tidegate/kafka';
import { createLogger, createRegistry } from '@tidegate/telemetry';

export interface TelemetryRecord {
  key: string;
  boot: string;
  lane: string;
  seq: string;
  value: JsonObject & { samples: JsonObject[] };
}

/** Everything in `iot.telemetry`, with the headers that readers tell duplicates by. */
export async function readTelemetry(brokers: readonly string[]): Promise<TelemetryRecord[]> {
  const deps = { logger: createLogger({ service: 'test', level: 'silent' }), registry: createRegistry() };
  const reader = new RangeReader({ brokers: [...brokers] }, deps);
  const found: TelemetryRecord[] = [];
  const starts = await reader.offsets('iot.telemetry', 'earliest');
  for (const [partition, start] of starts.entries()) {
    for (let from = start, end = -1n; from !== end;) {
      const { records, next, highWatermark } = await reader.readRange('iot.telemetry', partition, from, 1_048_576);
      end = highWatermark;
      from = next;
      for (const record of records) {
        const headers = Object.fromEntries(record.headers().map(([name, value]) => [name, String(value)]));
        const { 'iot-boot': boot = '', 'iot-lane': lane = '', 'iot-seq': seq = '' } = headers;
        const value = JSON.parse(String(record.value)) as TelemetryRecord['value'];
        found.push({ key: String(record.key), boot, lane, seq, value });
      }
    }
  }
  await reader.close();
  return found;
}
