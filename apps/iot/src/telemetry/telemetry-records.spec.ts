import { telemetrySchema } from '@tidegate/contracts';
import { createRegistry } from '@tidegate/telemetry';
import type { Reading, Telemetry, TimeQuality } from '@tidegate/wire';
import type { Device } from '../connection/device';
import { frameTimeMs } from './frame-time';
import { TelemetryRecords } from './telemetry-records';

const receivedMs = Date.UTC(2026, 5, 1, 12);
const day = 86_400_000;
const minute = 60_000;

const schema = {
  id: 'bike-v1',
  channels: new Map([
    [1, { name: 'latitude', unit: 'lat', scale: 0.5 }],
    [2, { name: 'power', scale: 1 }],
  ]),
};
const device = (changes: Partial<Device> = {}): Device => ({
  ...{ tenant: 'north', deviceId: 'd1', bootId: 7, keepaliveS: 30, schema },
  ...{
    helloAtMs: receivedMs - 10_000,
    helloUptimeMs: 5_000,
    sessionNumber: undefined,
    endsAtMs: undefined,
    ...changes,
  },
});
const frame = (readings: Partial<Reading>[], changes: Partial<Telemetry> = {}): Telemetry => ({
  ...{ kind: 'telemetry', lane: 1, seq: 9, timeQuality: 'synced', uptimeMs: 0 },
  readings: readings.map((reading) => ({ channel: 1, timeMs: receivedMs, relative: false, value: 1, ...reading })),
  ...changes,
});

const records = new TelemetryRecords(createRegistry());
interface Sample {
  ch: string;
  t: string;
  tq: string;
  v: number | null;
  u?: string;
}
const samplesOf = (telemetry: Telemetry, of = device()): Sample[] =>
  (JSON.parse(String(records.make(telemetry, of, receivedMs).value)) as { samples: Sample[] }).samples;

describe(TelemetryRecords.name, () => {
  it('makes one record of a frame, with what readers tell duplicates by', () => {
    const record = records.make(frame([{}, { channel: 2, value: 3 }]), device(), receivedMs);
    expect(record).toMatchObject({
      topic: 'iot.telemetry',
      key: 'north/d1',
      headers: { 'iot-boot': '7', 'iot-lane': '1', 'iot-seq': '9' },
    });
    const at = new Date(receivedMs).toISOString();
    expect(JSON.parse(String(record.value))).toEqual({
      tenantId: 'north',
      deviceId: 'd1',
      samples: [
        { ch: 'latitude', t: at, tReceived: at, tq: 'synced', v: 0.5, u: 'lat' },
        { ch: 'power', t: at, tReceived: at, tq: 'synced', v: 3 },
      ],
    });
  });

  it('makes samples that keep the contract, whatever the device sent', () => {
    const values = [1.5, NaN, Infinity, -Infinity, -0, 1e300, 5e-324];
    const times = [receivedMs, 0, -5e15, 9e15, 2 ** 53];
    const readings = values.flatMap((value) => times.map((timeMs) => ({ value, timeMs })));
    for (const sample of samplesOf(frame(readings))) {
      telemetrySchema.parse({ tenantId: 'north', deviceId: 'd1', ...sample });
    }
  });

  it('keeps the good samples beside one that is no number, and marks that one', () => {
    const values = [1, NaN, 2, Infinity, 3];
    const samples = samplesOf(frame(values.map((value) => ({ channel: 2, value }))));
    expect(samples.map(({ v, tq }) => [v, tq])).toEqual([
      ...[
        [1, 'synced'],
        [null, 'invalid'],
        [2, 'synced'],
        [null, 'invalid'],
        [3, 'synced'],
      ],
    ]);
  });

  it('names channels by their numbers where the device has no schema, or the schema has no such channel', () => {
    expect(samplesOf(frame([{}]), device({ schema: undefined }))).toMatchObject([{ ch: '1', v: 1 }]);
    expect(samplesOf(frame([{ channel: 3 }]))).toMatchObject([{ ch: '3', v: 1 }]);
  });

  it('takes names and units as sent, and numbers for what the schema says, by either codec', () => {
    const samples = samplesOf(frame([{ channel: 'temp', unit: 'Cel' }, { channel: '1' }]));
    expect(samples).toMatchObject([
      { ch: 'temp', u: 'Cel', v: 1 },
      { ch: 'latitude', u: 'lat', v: 0.5 },
    ]);
  });

  it('takes the base name of the device off, and refuses that of another', () => {
    const named = (channel: string): Sample[] => samplesOf(frame([{ channel, absoluteName: true }]));
    expect(named('urn:dev:ops:north-d1:temp')).toMatchObject([{ ch: 'temp' }]);
    for (const foreign of ['urn:dev:ops:north-d2:temp', 'urn:dev:ops:south-d1:temp', 'urn:dev:ops:north-d1:', 'temp']) {
      expect(() => named(foreign)).toThrow(expect.objectContaining({ code: 'permission_denied' }) as Error);
    }
  });

  it.each<[string, number, string]>([
    ['30 days before', receivedMs - 30 * day, 'synced'],
    ['longer before', receivedMs - 30 * day - 1, 'suspect'],
    ['5 minutes ahead', receivedMs + 5 * minute, 'synced'],
    ['further ahead', receivedMs + 5 * minute + 1, 'suspect'],
    ['1970', 0, 'suspect'],
  ])('takes a time %s for what it is', (_what, timeMs, tq) => {
    const [sample] = samplesOf(frame([{ timeMs }]));
    expect(sample).toMatchObject({ tq, t: new Date(timeMs).toISOString(), v: 0.5 });
  });

  it.each<TimeQuality>(['unspecified', 'synced', 'holdover', 'uptime-only'])(
    'passes on the quality %s',
    (timeQuality) => {
      expect(samplesOf(frame([{}], { timeQuality }))).toMatchObject([{ tq: timeQuality }]);
    },
  );

  it('counts relative times from the uptime of the frame', () => {
    const [sample] = samplesOf(frame([{ timeMs: -250, relative: true }], { uptimeMs: 6_000 }));
    expect(sample?.t).toBe(new Date(receivedMs - 10_000 + 1_000 - 250).toISOString());
  });
});

describe(frameTimeMs.name, () => {
  const at = (uptimeMs: number, of: Partial<Device> = {}): number =>
    frameTimeMs({ uptimeMs }, device(of), receivedMs) - receivedMs;

  it('is that of Hello and the uptime since', () => {
    expect(at(5_000)).toBe(-10_000);
    expect(at(12_000)).toBe(-3_000);
  });

  it('is the time of receipt where either uptime is missing', () => {
    expect(at(0)).toBe(0);
    expect(at(12_000, { helloUptimeMs: 0 })).toBe(0);
  });

  it('goes on where the uptime wraps', () => {
    expect(at(4_000, { helloUptimeMs: 2 ** 32 - 5_000 })).toBe(-1_000);
  });

  it('takes a frame that was made before Hello for that', () => {
    expect(at(1_000)).toBe(-14_000);
  });
});
