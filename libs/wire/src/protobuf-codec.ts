import type { Codec } from './codec';
import { decimal } from './decimal';
import { ExactReader } from './exact-reader';
import { FrameError, type FramePlace } from './frame-error';
import { timeQualities, type ClientFrame, type Hello, type Reading, type ServerFrame, type Telemetry } from './frames';
import { tidegate } from './iot.pb.cjs';
import { statusCodes } from './status';
import { isExact, laneOf, maxReadings } from './telemetry-rules';

const messages = tidegate.iot.v1;
const noBytes = new Uint8Array(0);

export class ProtobufCodec implements Codec {
  decode(body: Buffer): ClientFrame {
    try {
      return clientFrame(messages.ClientFrame.decode(new ExactReader(body)));
    } catch (error) {
      throw FrameError.from(error);
    }
  }

  encode(frame: ServerFrame): Uint8Array {
    return messages.ServerFrame.encode(serverMessage(frame)).finish();
  }
}

function clientFrame({ hello, telemetry, result, ping, bye }: tidegate.iot.v1.ClientFrame.$Properties): ClientFrame {
  if (telemetry) return telemetryFrame(telemetry);
  if (ping) return { kind: 'ping', nonce: ping.nonce ?? 0, deviceTimeMs: ping.deviceTimeMs ?? 0 };
  if (hello) return helloFrame(hello);
  if (bye) return { kind: 'bye', reason: bye.reason ?? 0 };
  if (result) {
    const { commandId, status, payload } = result;
    return { kind: 'result', commandId: commandId ?? noBytes, status: status ?? 0, payload: payload ?? noBytes };
  }
  throw new FrameError('unsupported', 'this kind of frame is not known here');
}

function helloFrame(hello: tidegate.iot.v1.Hello.$Properties): Hello {
  return {
    kind: 'hello',
    tenant: hello.tenant ?? '',
    deviceId: hello.deviceId ?? '',
    bootId: hello.bootId ?? 0,
    token: hello.token ?? noBytes,
    keepaliveS: hello.keepaliveS ?? 0,
    schemaId: hello.schemaId ?? '',
    traceContext: hello.traceCtx ?? noBytes,
    caps: hello.caps ?? 0,
    deviceTimeMs: hello.deviceTimeMs ?? 0,
    uptimeMs: hello.uptimeMs ?? 0,
  };
}

function telemetryFrame(message: tidegate.iot.v1.Telemetry.$Properties): Telemetry {
  const { seq = 0, baseTimeMs = 0, uptimeMs = 0, tq = 0, dtMs = [], series = [] } = present(message);
  const place = { lane: message.lane ?? 0, seq };
  const lane = laneOf(place);
  if (dtMs.length === 0 || series.length === 0) throw new FrameError('malformed', 'no samples', place);
  if (dtMs.length * series.length > maxReadings) {
    throw new FrameError('tooLarge', `more than ${maxReadings} samples in a frame`, place);
  }
  if (Number.isNaN(baseTimeMs)) throw new FrameError('malformed', 'base_time_ms is beyond 2^53', place);
  const timeQuality = timeQualities[tq] ?? 'unspecified';
  const relative = baseTimeMs === 0 || timeQuality === 'uptime-only';
  const times = timesOf(dtMs, relative ? 0 : baseTimeMs);
  const readings: Reading[] = [];
  for (const [index, one] of series.entries()) {
    const { ch = 0 } = present(one);
    const values = valuesOf(one, { index, count: times.length, place });
    for (let at = 0; at < values.length; at += 1) {
      readings.push({ channel: ch, timeMs: times[at] ?? 0, relative, value: values[at] ?? Number.NaN });
    }
  }
  return { kind: 'telemetry', lane, seq, timeQuality, uptimeMs, readings };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null> };

/** protobufjs declares null where it never puts one. */
function present<T extends object>(message: T): Present<T> {
  return message;
}

function timesOf(dtMs: readonly number[], baseMs: number): number[] {
  let timeMs = baseMs;
  return dtMs.map((dt) => (timeMs += dt));
}

interface SeriesPlace {
  index: number;
  count: number;
  place: FramePlace;
}

function valuesOf(series: tidegate.iot.v1.Series.$Properties, { index, count, place }: SeriesPlace): readonly number[] {
  const { v = [], f = [], exp10 = 0 } = present(series);
  const refused = (what: string) => new FrameError('malformed', `series ${index}: ${what}`, place);
  if (v.length > 0 && f.length > 0) throw refused('either v or f');
  if (v.length + f.length !== count) throw refused(`${v.length + f.length} values for ${count} times`);
  if (f.length > 0) return f;
  let sum = 0;
  return v.map((difference) => {
    const next = sum + difference;
    // What rounding changed differs on the way back. NaN, an integer that could not be read exactly, fails here too.
    if (!isExact(next) || next - difference !== sum) throw refused('an integer is beyond ±2^53');
    sum = next;
    return decimal(sum, exp10);
  });
}

function serverMessage(frame: ServerFrame): tidegate.iot.v1.ServerFrame.$Properties {
  switch (frame.kind) {
    case 'ack':
      return { ack: { lane: frame.lane, upToSeq: frame.upToSeq } };
    case 'nack': {
      const { lane, seq, status, retryAfterMs = 0, detail = '' } = frame;
      return { nack: { lane, seq, code: statusCodes[status], retryAfterMs, detail } };
    }
    case 'pong':
      return { pong: { nonce: frame.nonce, serverTimeMs: frame.serverTimeMs } };
    case 'welcome': {
      const { kind: _kind, nextToken = noBytes, ...fields } = frame;
      return { welcome: { ...fields, nextToken } };
    }
    case 'command': {
      const { commandId, deadlineMs, name, payload } = frame;
      return { command: { commandId, deadlineMs, name, payload } };
    }
    case 'goodbye': {
      const { status, retryAfterMs = 0, detail = '' } = frame;
      return { goodbye: { code: statusCodes[status], retryAfterMs, detail } };
    }
  }
}
