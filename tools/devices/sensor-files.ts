import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Batch } from './frames.ts';

interface Row {
  atS: number;
  /** Undefined where the file has an empty cell. */
  values: (number | undefined)[];
}

/** A file of real measurements, and the schema of catalog/devices.yaml that tells what they are. */
export interface SensorFile {
  schemaId: string;
  rows: Row[];
  /** Decimal digits of each channel. */
  digits: number[];
}

const files = { bike: 'bike-v1', sensor: 'sensor-v1', weather: 'weather-v1' } as const;
export type SensorName = keyof typeof files;
export const sensorNames = Object.keys(files) as SensorName[];

export function readSensorFile(name: SensorName): SensorFile {
  const text = gunzipSync(readFileSync(path.join(import.meta.dirname, `data/${name}.csv.gz`))).toString();
  const cells = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const digits = (cells[0] ?? [])
    .slice(1)
    .map((_, column) => Math.max(...cells.map((row) => digitsOf(row[column + 1]))));
  const rows = cells.map(([atS, ...values]) => ({
    atS: Number(atS),
    values: values.map((cell) => (cell === '' ? undefined : Number(cell))),
  }));
  return { schemaId: files[name], rows, digits };
}

/**
 * Rows `from` to `to` as a device sends them, the file's first second at `startMs`. A channel is left out where a cell of it
 * is empty, as a device does whose sensor gave nothing; undefined when that leaves none.
 */
export function batchOf(
  { rows, digits }: SensorFile,
  range: { from: number; to: number; startMs: number },
): Batch | undefined {
  const chosen = rows.slice(range.from, range.to);
  const channels = digits.flatMap((digit, column) => {
    const values = chosen.map((row) => row.values[column]);
    if (!values.every((value) => value !== undefined)) return [];
    return [{ number: column + 1, digits: digit, values }];
  });
  if (channels.length === 0) return undefined;
  return { times: chosen.map(({ atS }) => range.startMs + atS * 1_000), channels };
}

function digitsOf(cell: string | undefined): number {
  return cell?.split('.')[1]?.length ?? 0;
}
