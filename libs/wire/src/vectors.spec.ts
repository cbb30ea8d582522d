import { readFileSync } from 'node:fs';
import path from 'node:path';
import { codecOf } from './codec';
import { codecIds } from './codec-id';
import type { ClientFrame, ServerFrame } from './frames';

const spec = readFileSync(path.join(__dirname, '../SPEC.md'), 'utf8');
const rows = [...spec.matchAll(/^\| (\w+) +\| `([0-9a-f]+)` +\| `([0-9a-f]+)` +\|$/gm)];
const vectors = new Map(rows.map(([, name, ...hexes]) => [name, hexes.map((hex) => Buffer.from(hex, 'hex'))]));

const atMs = 1_767_225_600_000;
const telemetry = { kind: 'telemetry', uptimeMs: 8_000, timeQuality: 'synced' } as const;
const token = Buffer.from('014b00000000b3ea077138239342a0feadfe320df6ed', 'hex');
const nothing = { traceContext: new Uint8Array(0), caps: 0, deviceTimeMs: 0 };

const clientFrames: Record<string, ClientFrame> = {
  hello: {
    ...{ kind: 'hello', tenant: 'north', deviceId: 'bike-1', bootId: 7, keepaliveS: 60, schemaId: 'bike-v1' },
    ...{ uptimeMs: 5_000, token, ...nothing },
  },
  telemetry: {
    ...{ ...telemetry, lane: 0, seq: 1 },
    readings: [12.8, 12.6, 13.1].map((value, index) => ({
      ...{ channel: 3, timeMs: atMs + index * 1_000, relative: false, value },
    })),
  },
  backlog: {
    ...{ ...telemetry, lane: 1, seq: 0xffff_ffff },
    readings: [{ channel: 4, timeMs: atMs, relative: false, value: 68 }],
  },
  ping: { kind: 'ping', nonce: 5, deviceTimeMs: atMs },
  bye: { kind: 'bye', reason: 0 },
};

const serverFrames: Record<string, ServerFrame> = {
  welcome: {
    ...{ kind: 'welcome', maxFrameBytes: 65_536, windowFrames: 64, backlogWindowFrames: 16, windowBytes: 262_144 },
    ...{ keepaliveS: 60, liveResumeSeq: 1, backlogResumeSeq: 0, serverTimeMs: atMs },
  },
  ack: { kind: 'ack', lane: 0, upToSeq: 1 },
  nack: { kind: 'nack', lane: 1, seq: 17, status: 'rateLimited', retryAfterMs: 1_000, detail: 'later' },
  undecodable: { kind: 'nack', lane: 0, seq: 0, status: 'malformed' },
  pong: { kind: 'pong', nonce: 5, serverTimeMs: atMs },
  goodbye: { kind: 'goodbye', status: 'restart', retryAfterMs: 12_000 },
};

/** SenML names channels by text. */
const withNumbers = (frame: ClientFrame): ClientFrame =>
  frame.kind === 'telemetry'
    ? { ...frame, readings: frame.readings.map((reading) => ({ ...reading, channel: Number(reading.channel) })) }
    : frame;

describe('the vectors of SPEC.md', () => {
  it('are all here', () => {
    expect([...vectors.keys()]).toEqual([...Object.keys(clientFrames), ...Object.keys(serverFrames)]);
  });

  it.each(codecIds.flatMap((id) => Object.keys(clientFrames).map((name) => [name, id] as const)))(
    'decode: %s in codec %i',
    (name, id) => {
      expect(withNumbers(codecOf(id).decode(vectors.get(name)?.[id - 1] ?? Buffer.alloc(0)))).toEqual(
        clientFrames[name],
      );
    },
  );

  it.each(codecIds.flatMap((id) => Object.entries(serverFrames).map(([name, frame]) => [name, id, frame] as const)))(
    'encode: %s in codec %i',
    (name, id, frame) => {
      expect(Buffer.from(codecOf(id).encode(frame))).toEqual(vectors.get(name)?.[id - 1]);
    },
  );
});
