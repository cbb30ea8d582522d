import { addExtension, Decoder, Encoder } from 'cbor-x';
import { CborScan } from './cbor-scan';
import type { Codec } from './codec';
import { Decimal, exactInteger } from './decimal';
import { FrameError, type FramePlace } from './frame-error';
import { timeQualities, type ClientFrame, type Hello, type ServerFrame, type Telemetry } from './frames';
import { readPack } from './senml';
import { statusCodes } from './status';
import { laneOf } from './telemetry-rules';

const decoder = new Decoder({ useRecords: false, mapsAsObjects: false });
const encoder = new Encoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false });
const maxUint32 = 0xffff_ffff;

// cbor-x's own reading of decimals goes by logarithms and is off in the last digits.
addExtension<Decimal, [number | bigint, number | bigint]>({
  Class: Decimal,
  tag: 4,
  encode: ({ exponent, mantissa }, encode) => encode([exponent, mantissa]),
  decode: ([exponent, mantissa]) => new Decimal(exponent, mantissa),
});

export class CborCodec implements Codec {
  decode(body: Buffer): ClientFrame {
    try {
      new CborScan(body).check();
      return clientFrame(decoder.decode(body));
    } catch (error) {
      throw FrameError.from(error);
    }
  }

  encode(frame: ServerFrame): Uint8Array {
    return encoder.encode(serverItems(frame));
  }
}

function clientFrame(frame: unknown): ClientFrame {
  if (!Array.isArray(frame)) throw new FrameError('malformed', 'a frame is an array');
  const items = frame as readonly unknown[];
  switch (items[0]) {
    case 1:
      return helloFrame(items[1]);
    case 2:
      return telemetryFrame(items);
    case 3:
      return { kind: 'result', commandId: bytes(items[1]), status: uint32(items[2]), payload: bytes(items[3]) };
    case 4:
      return { kind: 'ping', nonce: uint32(items[1]), deviceTimeMs: milliseconds(items[2]) };
    case 5:
      return { kind: 'bye', reason: uint32(items[1]) };
    default:
      throw new FrameError('unsupported', 'this kind of frame is not known here');
  }
}

function helloFrame(map: unknown): Hello {
  if (!(map instanceof Map)) throw new FrameError('malformed', 'a hello is a map');
  const fields = map as ReadonlyMap<unknown, unknown>;
  if ([...fields.keys()].some((key) => typeof key !== 'number')) {
    throw new FrameError('malformed', 'the keys of a hello are integers');
  }
  return {
    kind: 'hello',
    tenant: text(fields.get(1)),
    deviceId: text(fields.get(2)),
    bootId: uint32(fields.get(3)),
    token: bytes(fields.get(4)),
    keepaliveS: uint32(fields.get(5)),
    schemaId: text(fields.get(7)),
    traceContext: bytes(fields.get(8)),
    caps: uint32(fields.get(9)),
    deviceTimeMs: milliseconds(fields.get(10)),
    uptimeMs: uint32(fields.get(11)),
  };
}

function telemetryFrame([, lane, seq, timeQuality, uptimeMs, pack]: readonly unknown[]): Telemetry {
  const place: FramePlace = { lane: uint32(lane), seq: uint32(seq) };
  const known = laneOf(place);
  const quality = timeQualities[uint32(timeQuality, place)] ?? 'unspecified';
  const readings = readPack(pack, { ...place, uptimeOnly: quality === 'uptime-only' });
  const uptime = uint32(uptimeMs, place);
  return { kind: 'telemetry', lane: known, seq: place.seq, timeQuality: quality, uptimeMs: uptime, readings };
}

// What is absent has its default, as in Protobuf.

function uint32(value: unknown, place?: FramePlace): number {
  if (value === undefined) return 0;
  const number = typeof value === 'bigint' ? exactInteger(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= maxUint32) return number;
  throw new FrameError('malformed', 'a number is no unsigned 32-bit integer', place);
}

function milliseconds(value: unknown): number {
  if (value === undefined) return 0;
  const exact = typeof value === 'number' || typeof value === 'bigint' ? exactInteger(value) : undefined;
  if (exact === undefined || exact < 0) throw new FrameError('malformed', 'a time is no unsigned integer up to 2^53');
  return exact;
}

function text(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  throw new FrameError('malformed', 'a text is of another type');
}

function bytes(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  throw new FrameError('malformed', 'a byte string is of another type');
}

function serverItems(frame: ServerFrame): unknown[] {
  switch (frame.kind) {
    case 'welcome':
      return [65, welcomeFields(frame)];
    case 'ack':
      return [66, frame.lane, frame.upToSeq];
    case 'nack': {
      const { lane, seq, status, retryAfterMs = 0, detail } = frame;
      return [67, lane, seq, statusCodes[status], retryAfterMs, ...(detail === undefined ? [] : [detail])];
    }
    case 'command':
      return [68, frame.commandId, integer(frame.deadlineMs), frame.name, frame.payload];
    case 'pong':
      return [69, frame.nonce, integer(frame.serverTimeMs)];
    case 'goodbye': {
      const { status, retryAfterMs = 0, detail } = frame;
      return [70, statusCodes[status], retryAfterMs, ...(detail === undefined ? [] : [detail])];
    }
  }
}

function welcomeFields(welcome: Extract<ServerFrame, { kind: 'welcome' }>): Map<number, unknown> {
  return new Map<number, unknown>([
    [1, welcome.maxFrameBytes],
    [2, welcome.windowFrames],
    [3, welcome.keepaliveS],
    [4, welcome.liveResumeSeq],
    [5, welcome.backlogResumeSeq],
    [6, integer(welcome.serverTimeMs)],
    [7, welcome.backlogWindowFrames],
    [8, welcome.windowBytes],
    ...(welcome.nextToken === undefined ? [] : ([[9, welcome.nextToken]] as const)),
  ]);
}

/** cbor-x writes numbers beyond 32 bits as floats, but bigints as integers. */
function integer(value: number): number | bigint {
  return value > maxUint32 ? BigInt(value) : value;
}
