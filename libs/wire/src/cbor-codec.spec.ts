import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { CborCodec } from './cbor-codec';
import { Decimal } from './decimal';
import { FrameError } from './frame-error';
import type { Reading, ServerFrame, Telemetry } from './frames';

const codec = new CborCodec();
const encoder = new Encoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false });
const decodeServer = (bytes: Uint8Array): unknown => encoder.decode(bytes);
const encode = (item: unknown): Buffer => encoder.encode(item);
const bySenml = (record: object): Map<unknown, unknown> =>
  new Map(Object.entries(record).map(([key, value]) => [/^-?\d+$/.test(key) ? Number(key) : key, value as unknown]));
const telemetry = (pack: readonly object[], timeQuality = 1): Telemetry =>
  codec.decode(encode([2, 0, 9, timeQuality, 0, pack.map(bySenml)])) as Telemetry;
const reading = (...pack: object[]): Reading | undefined => telemetry(pack).readings[0];

const refusal = (decode: () => unknown): { status: string; lane: number; seq: number; message: string } | undefined => {
  try {
    decode();
    return undefined;
  } catch (error) {
    const { status, lane, seq, message } = error as FrameError;
    expect(error).toBeInstanceOf(FrameError);
    return { status, lane, seq, message };
  }
};
const refusalOfHex = (hex: string): string | undefined => refusal(() => codec.decode(Buffer.from(hex, 'hex')))?.status;

describe(CborCodec.name, () => {
  it('decodes a Hello and gives what is absent its default', () => {
    const fields = new Map<number, unknown>([
      [1, 'north'],
      [2, 'd1'],
      [3, 7],
      [4, Buffer.from('t')],
      [10, 1_700_000_000_000n],
    ]);
    expect(codec.decode(encode([1, fields]))).toEqual({
      ...{ kind: 'hello', tenant: 'north', deviceId: 'd1', bootId: 7, keepaliveS: 0, schemaId: '', caps: 0 },
      ...{ token: Buffer.from('t'), traceContext: new Uint8Array(0), deviceTimeMs: 1_700_000_000_000, uptimeMs: 0 },
    });
  });

  it('decodes the other frames', () => {
    expect(codec.decode(encode([4, 5, 1_700_000_000_000n]))).toEqual({
      ...{ kind: 'ping', nonce: 5, deviceTimeMs: 1_700_000_000_000 },
    });
    expect(codec.decode(encode([5, 2]))).toEqual({ kind: 'bye', reason: 2 });
    expect(codec.decode(encode([3, Buffer.from('c'), 0, Buffer.from('p')]))).toEqual({
      ...{ kind: 'result', commandId: Buffer.from('c'), status: 0, payload: Buffer.from('p') },
    });
    expect(refusal(() => codec.decode(encode([6, 1])))).toMatchObject({ status: 'unsupported', lane: 0, seq: 0 });
  });

  it('resolves base name, time, unit and value as RFC 8428 says', () => {
    const pack = [
      { '-2': 'urn:dev:ops:north-d1:', '-3': 1_700_000_000, '-4': 'Cel', '-5': 20, 0: 'temp', 2: 3.5 },
      { 0: 'temp', 6: 1.25, 2: -1 },
      { 0: 'hum', 1: '%RH', 2: 40 },
    ];
    const absoluteName = true;
    expect(telemetry(pack)).toEqual({
      ...{ kind: 'telemetry', lane: 0, seq: 9, timeQuality: 'synced', uptimeMs: 0 },
      readings: [
        {
          channel: 'urn:dev:ops:north-d1:temp',
          absoluteName,
          unit: 'Cel',
          timeMs: 1.7e12,
          relative: false,
          value: 23.5,
        },
        {
          channel: 'urn:dev:ops:north-d1:temp',
          absoluteName,
          unit: 'Cel',
          timeMs: 1.7e12 + 1_250,
          relative: false,
          value: 19,
        },
        { channel: 'urn:dev:ops:north-d1:hum', absoluteName, unit: '%RH', timeMs: 1.7e12, relative: false, value: 60 },
      ],
    });
  });

  it('counts times below 2^28 s from now, and absolute ones of a device without a clock', () => {
    expect(reading({ 0: 'a', 2: 1, 6: -5 })).toMatchObject({ timeMs: -5_000, relative: true });
    expect(reading({ 0: 'a', 2: 1, 6: 2 ** 28 - 1 })).toMatchObject({ relative: true });
    expect(reading({ 0: 'a', 2: 1, 6: 2 ** 28 })).toMatchObject({ timeMs: 2 ** 28 * 1_000, relative: false });
    const uptimeOnly = telemetry([{ '-3': 1_700_000_000, 0: 'a', 2: 1, 6: 3 }], 3).readings[0];
    expect(uptimeOnly).toMatchObject({ timeMs: 3_000, relative: true });
  });

  it.each<[string, string, number]>([
    ['a half float', 'f93e00', 1.5],
    ['a float', 'fa41480000', 12.5],
    ['a double', 'fb40371999999999 9a'.replace(' ', ''), 23.1],
    ['a negative integer', '3863', -100],
    ['a decimal', 'c48220190907', 231.1],
    ['a decimal with a 64-bit mantissa', 'c482221b0000000100000000', 4_294_967.296],
    ['2^53', '1b0020000000000000', 2 ** 53],
    ['-2^53', '3b001fffffffffffff', -(2 ** 53)],
    ['NaN', 'f97e00', NaN],
    ['infinity', 'f97c00', Infinity],
  ])('reads %s as a value', (_what, hex, value) => {
    const frame = codec.decode(Buffer.from(`860200090100 81a20061610 2${hex}`.replaceAll(' ', ''), 'hex')) as Telemetry;
    expect(frame.readings[0]?.value).toBe(value);
  });

  it.each(['1b0020000000000001', '3b0020000000000000', 'c482001b0020000000000001', '1bffffffffffffffff'])(
    'refuses %s, an integer beyond ±2^53, and names the frame',
    (hex) => {
      const bytes = Buffer.from(`86020009010081a200616102${hex}`, 'hex');
      expect(refusal(() => codec.decode(bytes))).toMatchObject({ status: 'malformed', lane: 0, seq: 9 });
    },
  );

  it('takes records in indefinite arrays and keys in any order', () => {
    const bytes = Buffer.from('8602000901009fa202010061 61a2006162 0202ff'.replaceAll(' ', ''), 'hex');
    const { readings } = codec.decode(bytes) as Telemetry;
    expect(readings.map(({ channel, value }) => [channel, value])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('takes 512 records and refuses 513', () => {
    const pack = (count: number): object[] => Array.from({ length: count }, () => ({ 0: 'a', 2: 1 }));
    expect(telemetry(pack(512)).readings).toHaveLength(512);
    expect(refusal(() => telemetry(pack(513)))).toMatchObject({ status: 'tooLarge', seq: 9 });
  });

  it.each<[string, object[], string, string]>([
    [
      'a text key',
      [
        { 0: 'a', 2: 1 },
        { n: 'a', v: 1 },
      ],
      'malformed',
      'record 1 ',
    ],
    ['a record that is no map', [[1, 2]], 'malformed', 'record 0 '],
    ['no value', [{ 0: 'a' }], 'malformed', 'record 0 '],
    ['no name', [{ 2: 1 }], 'malformed', 'record 0 '],
    ['a name with a slash in front', [{ 0: '/a', 2: 1 }], 'malformed', 'record 0 '],
    ['a text value', [{ 0: 'a', 3: 'on' }], 'unsupported', 'record 0 '],
    ['a boolean value', [{ 0: 'a', 4: true }], 'unsupported', 'record 0 '],
    ['a text where the value belongs', [{ 0: 'a', 2: '1' }], 'malformed', 'record 0 '],
    ['a number as name', [{ 0: 1, 2: 1 }], 'malformed', 'record 0 '],
    ['another version', [{ '-1': 11, 0: 'a', 2: 1 }], 'unsupported', 'record 0 '],
    ['a unit that goes on and on', [{ 0: 'a', 1: 'x'.repeat(33), 2: 1 }], 'malformed', 'record 0 '],
    ['no records', [], 'malformed', 'no samples'],
    ['bases only', [{ '-3': 5 }], 'malformed', 'no samples'],
  ])('refuses %s and names the record', (_what, pack, status, message) => {
    const bytes = (): unknown =>
      codec.decode(encode([2, 0, 9, 1, 0, pack.map((record) => (Array.isArray(record) ? record : bySenml(record)))]));
    const refused = refusal(bytes);
    expect(refused).toMatchObject({ status, lane: 0, seq: 9 });
    expect(refused?.message).toContain(message);
  });

  it('refuses a lane, seq or uptime that is no unsigned integer', () => {
    for (const [lane, seq] of [
      [2, 9],
      [0, 0],
      [0, -1],
      [0, 2 ** 32],
      [0, 1.5],
      ['0', 9],
    ] as const) {
      expect(refusal(() => codec.decode(encode([2, lane, seq, 1, 0, [bySenml({ 0: 'a', 2: 1 })]])))?.status).toBe(
        'malformed',
      );
    }
  });

  it.each([
    ['an empty map for a frame', 'a0'],
    ['an integer for a frame', '01'],
    ['an indefinite text', '85020009017f616 1ff'],
    ['undefined', '8204f7'],
    ['a simple value', '8204f8ff'],
    ['tag 0 on text', '8204c06161'],
    ['tag 2 on bytes', '8204c24101'],
    ['tag 4 on text', '8204c46161'],
    ['tag 4 on three items', '8204c483010203'],
    ['tag 4 with a float', '8204c48201f93e00'],
    ['a nested decimal', '8204c48201c4820101'],
    ['a reserved length', '1c'],
    ['nothing after a head', '82'],
  ])('refuses %s', (_what, hex) => {
    expect(refusalOfHex(hex.replaceAll(' ', ''))).toBe('malformed');
  });

  it('gives back the values that any pack was made of', () => {
    const number = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc
        .tuple(fc.integer({ min: -12, max: 3 }), fc.integer())
        .map(([exponent, mantissa]) => new Decimal(exponent, mantissa)),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), (values) => {
        const { readings } = telemetry(values.map((value) => ({ 0: 'a', 2: value })));
        const expected = values.map((value) =>
          value instanceof Decimal ? Number(`${value.mantissa}e${value.exponent}`) : value,
        );
        expect(readings.map(({ value }) => value + 0)).toEqual(expected.map((value) => value + 0));
      }),
    );
  });

  it.each<[ServerFrame, unknown[]]>([
    [{ kind: 'ack', lane: 1, upToSeq: 0xffff_ffff }, [66, 1, 0xffff_ffff]],
    [{ kind: 'nack', lane: 0, seq: 3, status: 'forbidden' }, [67, 0, 3, 2, 0]],
    [{ kind: 'nack', lane: 0, seq: 3, status: 'rateLimited', retryAfterMs: 20, detail: 'x' }, [67, 0, 3, 6, 20, 'x']],
    [{ kind: 'goodbye', status: 'restart', retryAfterMs: 5 }, [70, 9, 5]],
    [{ kind: 'goodbye', status: 'timeout', detail: 'late' }, [70, 11, 0, 'late']],
    [{ kind: 'pong', nonce: 7, serverTimeMs: 1_700_000_000_000 }, [69, 7, 1_700_000_000_000]],
  ])('encodes %j', (frame, items) => {
    const bytes = codec.encode(frame);
    expect((decodeServer(bytes) as unknown[]).map((item) => (typeof item === 'bigint' ? Number(item) : item))).toEqual(
      items,
    );
    // No float: a small device may have no code to read one.
    expect(Buffer.from(bytes).includes(0xfb)).toBe(false);
  });

  it('encodes a Welcome as a map with the numbers of the Protobuf fields', () => {
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
      backlogResumeSeq: 0,
      serverTimeMs: 2 ** 41,
    };
    const [kind, map] = decodeServer(codec.encode({ ...frame, nextToken: Buffer.from('n') })) as [
      number,
      Map<number, unknown>,
    ];
    expect(kind).toBe(65);
    expect([...map].map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value])).toEqual([
      ...[
        [1, 65_536],
        [2, 64],
        [3, 30],
        [4, 1],
        [5, 0],
        [6, 2 ** 41],
        [7, 16],
        [8, 262_144],
      ],
      [9, Buffer.from('n')],
    ]);
  });
});
