// npm run devices -- [--count 100] [--codec protobuf|cbor|both] [--rate 1] [--rows 1] [--seconds n] [--host …] [--port …]
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { developmentKeys } from './devices/development-keys.ts';
import { Fleet } from './devices/fleet.ts';
import type { CodecName } from './devices/simulated-device.ts';

const codecs: Record<string, CodecName[]> = { protobuf: ['protobuf'], cbor: ['cbor'], both: ['protobuf', 'cbor'] };
const reportMs = 1_000;
const settleMs = 10_000;

function readOptions() {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '100' },
      codec: { type: 'string', default: 'both' },
      rate: { type: 'string', default: '1' },
      rows: { type: 'string', default: '1' },
      seconds: { type: 'string', default: 'Infinity' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: process.env['IOT_TCP_PORT'] ?? '9400' },
    },
  });
  const number = (name: 'count' | 'rate' | 'rows' | 'seconds' | 'port', max: number) => {
    const value = Number(values[name]);
    if (!(value > 0 && value <= max)) throw new Error(`--${name} must be a number above 0, at most ${max}`);
    return value;
  };
  const chosen = codecs[values.codec];
  if (chosen === undefined) throw new Error(`--codec must be one of ${Object.keys(codecs).join(', ')}`);
  return {
    fleet: {
      ...{ codecs: chosen, host: values.host, port: number('port', 65_535), tokenKeys: developmentKeys() },
      ...{
        count: Math.round(number('count', 20_000)),
        rate: number('rate', 1_000),
        rows: Math.round(number('rows', 40)),
      },
    },
    endMs: Date.now() + number('seconds', Infinity) * 1_000,
  };
}

async function run(): Promise<void> {
  const { fleet: options, endMs } = readOptions();
  const fleet = new Fleet(options);
  let leaving = false;
  process.once('SIGINT', () => (leaving = true));
  process.once('SIGTERM', () => (leaving = true));
  fleet.start();
  let before = 0;
  while (!leaving && Date.now() < endMs) {
    await sleep(Math.min(reportMs, Math.max(endMs - Date.now(), 0)));
    const { ackedFrames, connected, pending, lastRefusal } = fleet;
    const refused = lastRefusal === undefined ? '' : `; last refusal: ${lastRefusal}`;
    console.log(
      `${connected} of ${options.count} devices connected, ${ackedFrames} frames acknowledged (+${ackedFrames - before}), ${pending} kept${refused}`,
    );
    before = ackedFrames;
  }
  fleet.stopMeasuring();
  for (const lateMs = Date.now() + settleMs; fleet.pending > 0 && Date.now() < lateMs;) await sleep(50);
  const { ackedFrames, pending } = fleet;
  await fleet.close();
  console.log(`${ackedFrames} frames acknowledged, ${pending} not`);
  process.exitCode = pending === 0 ? 0 : 1;
}

// `npm run devices | head` ends the reader first.
process.stdout.on('error', () => process.exit(0));
try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
