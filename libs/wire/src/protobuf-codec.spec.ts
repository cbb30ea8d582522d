import fc from 'fast-check';
import { ExactReader } from './exact-reader';
import { FrameError } from './frame-error';
import type { ServerFrame, Telemetry } from './frames';
import { tidegate } from './iot.pb.cjs';
import { ProtobufCodec } from './protobuf-codec';

const messages = tidegate.iot.v1;
const codec = new ProtobufCodec();
const encode = (frame: tidegate.iot.v1.ClientFrame.$Properties): Buffer =>
  Buffer.from(messages.ClientFrame.encode(frame).finish());

type TelemetryFields = tidegate.iot.v1.Telemetry.$Properties;
const telemetry = (fields: TelemetryFields): Telemetry =>
  codec.decode(encode({ telemetry: { seq: 9, dtMs: [0], ...fields } })) as Telemetry;
const valuesOf = (series: tidegate.iot.v1.Series.$Properties, dtMs: number[]): number[] =>
  telemetry({ series: [series], dtMs }).readings.map(({ value }) => value);

const refusal = (decode: () => unknown): Pick<FrameError, 'status' | 'lane' | 'seq'> | undefined => {
  try {
    decode();
    return undefined;
  } catch (error) {
    const { status, lane, seq } = error as FrameError;
    expect(error).toBeInstanceOf(FrameError);
    return { status, lane, seq };
  }
};
const malformed = { status: 'malformed', lane: 0, seq: 9 };

describe(ProtobufCodec.name, () => {
  it('decodes a Hello and gives what is absent its default', () => {
    expect(
      codec.decode(encode({ hello: { tenant: 'north', deviceId: 'd1', bootId: 7, token: Buffer.from('t') } })),
    ).toEqual({
      ...{ kind: 'hello', tenant: 'north', deviceId: 'd1', bootId: 7, keepaliveS: 0, schemaId: '', caps: 0 },
      ...{ token: Buffer.from('t'), traceContext: new Uint8Array(0), deviceTimeMs: 0, uptimeMs: 0 },
    });
  });

  it('adds up the differences of values and times', () => {
    const series = [{ ch: 3, exp10: -1, v: [128, -2, 5] }];
    expect(telemetry({ series, dtMs: [10, 1_000, 2_000], baseTimeMs: 1_700_000_000_000, tq: 1, lane: 1 })).toEqual({
      ...{ kind: 'telemetry', lane: 1, seq: 9, timeQuality: 'synced', uptimeMs: 0 },
      readings: [
        { channel: 3, timeMs: 1_700_000_000_010, relative: false, value: 12.8 },
        { channel: 3, timeMs: 1_700_000_001_010, relative: false, value: 12.6 },
        { channel: 3, timeMs: 1_700_000_003_010, relative: false, value: 13.1 },
      ],
    });
  });

  it.each([
    ['no base', { baseTimeMs: 0 }],
    ['a base of a device without a clock', { baseTimeMs: 1_700_000_000_000, tq: 3 }],
  ])('counts times from now with %s', (_what, fields) => {
    const { readings } = telemetry({ ...fields, series: [{ v: [1] }], dtMs: [250] });
    expect(readings).toMatchObject([{ timeMs: 250, relative: true }]);
  });

  it('takes a time quality that it does not know for none', () => {
    expect(telemetry({ tq: 9 as number, series: [{ v: [1] }] }).timeQuality).toBe('unspecified');
  });

  it.each([
    [-1, 231, 23.1],
    [-3, 1, 0.001],
    [2, 7, 700],
    [-22, 5, 5e-22],
    [-30, 5, 5e-30],
    [0, -4, -4],
    [400, 1, Infinity],
  ])('scales by 10^%i', (exp10, v, value) => {
    expect(valuesOf({ exp10, v: [v] }, [0])).toEqual([value]);
  });

  it('passes floats on, NaN and infinities too', () => {
    expect(valuesOf({ f: [1.5, NaN, Infinity, -Infinity] }, [0, 1, 1, 1])).toEqual([1.5, NaN, Infinity, -Infinity]);
  });

  it('keeps integers up to 2^53 exact and refuses those beyond', () => {
    const largest = 2 ** 53;
    // 20 fields by hand, since protobufjs writes no number beyond 2^53 exactly: ch 0, v packed.
    const withVarint = (varint: bigint): Buffer => {
      const bytes: number[] = [];
      for (let rest = varint; ; rest >>= 7n) {
        bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
        if (rest <= 127n) break;
      }
      const series = Buffer.from([0x1a, bytes.length, ...bytes]);
      const body = Buffer.concat([Buffer.from([0x08, 9, 0x2a, 1, 0, 0x32, series.length]), series]);
      return Buffer.concat([Buffer.from([0x12, body.length]), body]);
    };
    const valueOf = (varint: bigint): number | undefined =>
      (codec.decode(withVarint(varint)) as Telemetry).readings[0]?.value;
    const zigzag = (value: bigint): bigint => (value >= 0n ? value * 2n : -value * 2n - 1n);
    expect(valueOf(zigzag(2n ** 53n))).toBe(largest);
    expect(valueOf(zigzag(-(2n ** 53n)))).toBe(-largest);
    expect(valueOf(zigzag(2n ** 53n - 1n))).toBe(largest - 1);
    for (const beyond of [2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 53n + 2n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(refusal(() => codec.decode(withVarint(zigzag(beyond))))).toEqual(malformed);
    }
    expect(refusal(() => telemetry({ series: [{ v: [largest - 1, 2] }], dtMs: [0, 1] }))).toEqual(malformed);
    expect(valuesOf({ v: [largest - 1, 1] }, [0, 1])).toEqual([largest - 1, largest]);
  });

  it.each<[string, TelemetryFields, string]>([
    ['no samples', { series: [] }, 'malformed'],
    ['no times', { series: [{ v: [1] }], dtMs: [] }, 'malformed'],
    ['fewer values than times', { series: [{ v: [1] }], dtMs: [0, 1] }, 'malformed'],
    ['more values than times', { series: [{ f: [1, 2] }], dtMs: [0] }, 'malformed'],
    ['both integers and floats', { series: [{ v: [1], f: [1] }], dtMs: [0, 1] }, 'malformed'],
    ['a series without values', { series: [{ ch: 1 }], dtMs: [0] }, 'malformed'],
    [
      '4,097 samples',
      { series: [{ v: Array(4_097).fill(0) as number[] }], dtMs: Array(4_097).fill(0) as number[] },
      'tooLarge',
    ],
  ])('refuses %s and names the frame', (_what, fields, status) => {
    expect(refusal(() => telemetry(fields))).toEqual({ status, lane: 0, seq: 9 });
  });

  it('takes 4,096 samples', () => {
    const zeros = Array(4_096).fill(0) as number[];
    expect(valuesOf({ v: zeros }, zeros)).toHaveLength(4_096);
  });

  it('refuses lane 2 and seq 0', () => {
    expect(refusal(() => telemetry({ lane: 2, series: [{ v: [1] }] }))).toEqual({
      status: 'malformed',
      lane: 2,
      seq: 9,
    });
    expect(refusal(() => telemetry({ seq: 0, series: [{ v: [1] }] }))).toEqual({
      status: 'malformed',
      lane: 0,
      seq: 0,
    });
  });

  it('passes over fields that it does not know and says that a frame of an unknown kind is unsupported', () => {
    const ping = Buffer.concat([encode({ ping: { nonce: 5 } }), Buffer.from([0xfa, 0x01, 2, 1, 2])]);
    expect(codec.decode(ping)).toEqual({ kind: 'ping', nonce: 5, deviceTimeMs: 0 });
    const later = Buffer.from([0x3a, 2, 8, 1]);
    expect(refusal(() => codec.decode(later))).toEqual({ status: 'unsupported', lane: 0, seq: 0 });
  });

  it('gives back what any telemetry was made of', () => {
    const lists = fc.integer({ min: 1, max: 12 }).chain((count) =>
      fc.record({
        dtMs: fc.array(fc.nat(0xffff_ffff), { minLength: count, maxLength: count }),
        rows: fc.array(
          fc.array(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), { minLength: count, maxLength: count }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        seq: fc.integer({ min: 1, max: 0xffff_ffff }),
      }),
    );
    fc.assert(
      fc.property(lists, ({ dtMs, rows, seq }) => {
        const series = rows.map((row, ch) => ({ ch, v: row.map((value, index) => value - (row[index - 1] ?? 0)) }));
        const frame = telemetry({ seq, dtMs, series });
        expect(frame.seq).toBe(seq);
        expect(frame.readings.map(({ value }) => value + 0)).toEqual(rows.flat().map((value) => value + 0));
      }),
    );
  });

  const server = (frame: ServerFrame): unknown => {
    const message = messages.ServerFrame.decode(new ExactReader(codec.encode(frame)));
    return JSON.parse(JSON.stringify(message)) as unknown;
  };
  const bytes = (text: string): unknown => Buffer.from(text).toJSON();

  it.each<[ServerFrame, object]>([
    [{ kind: 'ack', lane: 1, upToSeq: 0xffff_ffff }, { ack: { lane: 1, upToSeq: 0xffff_ffff } }],
    [{ kind: 'ack', lane: 0, upToSeq: 1 }, { ack: { upToSeq: 1 } }],
    [
      { kind: 'nack', lane: 0, seq: 3, status: 'rateLimited', retryAfterMs: 20, detail: 'slow' },
      { nack: { seq: 3, code: 6, retryAfterMs: 20, detail: 'slow' } },
    ],
    [{ kind: 'nack', lane: 1, seq: 3, status: 'forbidden' }, { nack: { lane: 1, seq: 3, code: 2 } }],
    [{ kind: 'goodbye', status: 'restart', retryAfterMs: 5 }, { goodbye: { code: 9, retryAfterMs: 5 } }],
    [
      { kind: 'pong', nonce: 7, serverTimeMs: 1_700_000_000_000 },
      { pong: { nonce: 7, serverTimeMs: 1_700_000_000_000 } },
    ],
    [
      { kind: 'command', commandId: Buffer.from('id'), deadlineMs: 2 ** 41, name: 'reboot', payload: Buffer.from('p') },
      { command: { commandId: bytes('id'), deadlineMs: 2 ** 41, name: 'reboot', payload: bytes('p') } },
    ],
  ])('encodes %j', (frame, message) => {
    expect(server(frame)).toEqual(message);
  });

  it('encodes a Welcome', () => {
    const fields = {
      maxFrameBytes: 65_536,
      windowFrames: 64,
      backlogWindowFrames: 16,
      windowBytes: 262_144,
      keepaliveS: 30,
    };
    const frame: ServerFrame = {
      kind: 'welcome',
      ...fields,
      liveResumeSeq: 1,
      backlogResumeSeq: 2,
      serverTimeMs: 2 ** 41,
    };
    const resume = { liveResumeSeq: 1, backlogResumeSeq: 2, serverTimeMs: 2 ** 41 };
    expect(server(frame)).toEqual({ welcome: { ...fields, ...resume } });
    const rotated = { welcome: { ...fields, ...resume, nextToken: bytes('n') } };
    expect(server({ ...frame, nextToken: Buffer.from('n') })).toMatchObject(rotated);
  });
});
