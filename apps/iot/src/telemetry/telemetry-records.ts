import { topics } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { ProducerRecord } from '@tidegate/kafka';
import { Counter, type Registry } from '@tidegate/telemetry';
import type { Reading, Telemetry, TimeQuality } from '@tidegate/wire';
import { deviceKey, type Device } from '../connection/device';
import { frameTimeMs } from './frame-time';

type Quality = TimeQuality | 'suspect' | 'invalid';

interface Sample {
  ch: string;
  t: string;
  tReceived: string;
  tq: Quality;
  v: number | null;
  u?: string;
}

interface Moments {
  frameMs: number;
  receivedMs: number;
  received: string;
}

const oldestMs = 30 * 86_400_000;
const newestMs = 5 * 60_000;
/** 9999-12-31: the last day that RFC 3339 can write. */
const lastDayMs = 253_402_300_799_999;
const wholeNumber = /^\d{1,10}$/;

/** Makes Kafka records of frames. */
export class TelemetryRecords {
  private readonly samples: Counter<'tq'>;

  constructor(registry: Registry) {
    const help = 'Samples by the quality of their time; suspect: the time cannot be; invalid: the value is no number';
    this.samples = new Counter({ name: 'tidegate_iot_samples_total', help, labelNames: ['tq'], registers: [registry] });
  }

  /** One record for a frame. @throws AppError `permission_denied` for a sample of another device */
  make(frame: Telemetry, device: Device, receivedMs = Date.now()): ProducerRecord {
    const { tenant: tenantId, deviceId } = device;
    const moments: Moments = {
      frameMs: frameTimeMs(frame, device, receivedMs),
      receivedMs,
      received: new Date(receivedMs).toISOString(),
    };
    const samples = frame.readings.map((reading) => sample(reading, frame.timeQuality, device, moments));
    for (const { tq } of samples) this.samples.inc({ tq });
    return {
      topic: topics.telemetry,
      key: deviceKey(device),
      value: JSON.stringify({ tenantId, deviceId, samples }),
      headers: {
        'iot-boot': String(device.bootId),
        'iot-lane': String(frame.lane),
        'iot-seq': String(frame.seq),
      },
    };
  }
}

function sample(reading: Reading, quality: TimeQuality, device: Device, moments: Moments): Sample {
  const { ch, unit, scale } = channelOf(reading, device);
  const timeMs = reading.relative ? moments.frameMs + reading.timeMs : reading.timeMs;
  const value = reading.value * scale;
  const isSuspect = timeMs < moments.receivedMs - oldestMs || timeMs > moments.receivedMs + newestMs;
  return {
    ch,
    t: new Date(Math.min(Math.max(timeMs, 0), lastDayMs)).toISOString(),
    tReceived: moments.received,
    tq: !Number.isFinite(value) ? 'invalid' : isSuspect ? 'suspect' : quality,
    v: Number.isFinite(value) ? value : null,
    ...(unit !== undefined && { u: unit }),
  };
}

interface Channel {
  ch: string;
  unit: string | undefined;
  scale: number;
}

/** A number means what the device's schema says, whichever codec it came by; a name stands for itself. */
function channelOf({ channel, absoluteName, unit }: Reading, device: Device): Channel {
  const name = absoluteName === true ? ownName(String(channel), device) : String(channel);
  const known = wholeNumber.test(name) ? device.schema?.channels.get(Number(name)) : undefined;
  return known === undefined ? { ch: name, unit, scale: 1 } : { ch: known.name, unit: known.unit, scale: known.scale };
}

function ownName(name: string, { tenant, deviceId }: Device): string {
  const prefix = `urn:dev:ops:${tenant}-${deviceId}:`;
  if (!name.startsWith(prefix) || name.length === prefix.length) {
    throw new AppError('permission_denied', `The base name of this device is ${prefix}`);
  }
  return name.slice(prefix.length);
}
