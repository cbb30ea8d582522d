import fc from 'fast-check';
import { codecOf } from './codec';
import { codecIds, type CodecId } from './codec-id';
import { FrameError } from './frame-error';

// Small bodies with deep or lying structure (protobufjs#2121, cbor-x#27 and PR#142), and keys that would become prototypes
// (actor-ts#581): each gets a FrameError, and the process neither hangs, grows nor dies.
const outcome = (codec: CodecId, body: Buffer): string => {
  try {
    return codecOf(codec).decode(body).kind;
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    return (error as FrameError).status;
  }
};

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

/** Field 2 (telemetry), in it field 6 (series), and so on down. */
const nested = (depth: number, field: number): Buffer => {
  let body = Buffer.from([8, 1]);
  for (let level = 0; level < depth; level += 1)
    body = Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(body.length)]), body]);
  return body;
};

const nestedClaims = Buffer.concat(
  Array.from({ length: 8_000 }, (_, index) => Buffer.from([0x9a, 0, 0, 0x9c - (index >> 8), 0])),
);

const cases: [string, CodecId, Buffer][] = [
  ['Protobuf groups, 21,000 deep', 1, Buffer.alloc(21_000, 0x7b)],
  [
    'Protobuf groups in a telemetry',
    1,
    Buffer.concat([Buffer.from([0x12, ...varint(20_000)]), Buffer.alloc(20_000, 0x7b)]),
  ],
  ['a Protobuf message in itself, 150 deep', 1, nested(150, 2)],
  ['a Protobuf message in itself, 6,000 deep', 1, nested(6_000, 2)],
  [
    '32,000 empty Protobuf series',
    1,
    Buffer.concat([Buffer.from([0x12, ...varint(64_000)]), Buffer.alloc(64_000, Buffer.from([0x32, 0]))]),
  ],
  ['a Protobuf varint without end', 1, Buffer.alloc(65_000, 0xff)],
  ['a Protobuf length beyond the frame', 1, Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x07])],
  ['a negative Protobuf length', 1, Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])],
  ['Protobuf field number 0', 1, Buffer.from([0x02, 0x00])],
  ['Protobuf text that is no UTF-8', 1, Buffer.from([0x0a, 4, 0x0a, 2, 0xc3, 0x28])],
  ['CBOR arrays, 60,000 deep', 2, Buffer.alloc(60_000, 0x81)],
  ['indefinite CBOR arrays, 20,000 deep', 2, Buffer.alloc(20_000, 0x9f)],
  ['CBOR maps, 20,000 deep', 2, Buffer.alloc(40_000, Buffer.from([0xa1, 0x00]))],
  ['CBOR tags, 60,000 deep', 2, Buffer.alloc(60_000, 0xc4)],
  ['40 kB of nested CBOR heads, each claiming the rest', 2, nestedClaims],
  ['CBOR that claims 2^32 items', 2, Buffer.from('9affffffff', 'hex')],
  ['CBOR that claims 2^64 bytes', 2, Buffer.from('5bffffffffffffffff', 'hex')],
  ['CBOR that claims 2^63 bytes', 2, Buffer.from('5b7fffffffffffffff', 'hex')],
  ['CBOR that claims 2^31 pairs', 2, Buffer.from('ba80000000', 'hex')],
  [
    '60,000 small CBOR items',
    2,
    Buffer.concat([Buffer.from('8404019a0000ea60'.slice(2), 'hex'), Buffer.alloc(60_000)]),
  ],
  ['JSON text as CBOR', 2, Buffer.from('{"lane":0,"seq":1}')],
  ['a lone CBOR break', 2, Buffer.from('ff', 'hex')],
  ['bytes after the CBOR frame', 2, Buffer.from('82040500', 'hex')],
];

describe('hostile bodies', () => {
  it.each(cases)('%s are refused', (_what, codec, body) => {
    expect(['malformed', 'unsupported']).toContain(outcome(codec, body));
  });

  it('are refused with little memory', () => {
    global.gc?.();
    const before = process.memoryUsage().rss;
    for (const [, codec, body] of cases) outcome(codec, body);
    expect(process.memoryUsage().rss - before).toBeLessThan(20_000_000);
  });

  it('never set a prototype, nor make one key of two', () => {
    const proto = '695f5f70726f746f5f5f';
    const almost = '685f5f70726f746f5f';
    for (const map of [`a1${proto}a167697341646d696ef5`, `a2${proto}01${almost}02`, 'a2010161310 2'.replace(' ', '')]) {
      expect(outcome(2, Buffer.from(`8201${map}`, 'hex'))).not.toBe('telemetry');
      expect(outcome(2, Buffer.from(`86020009010081${map}`, 'hex'))).toBe('malformed');
    }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    // Key 1 twice, the second time in two bytes.
    expect(outcome(2, Buffer.from('8201a20161611801616 2'.replace(' ', ''), 'hex'))).toBe('malformed');
  });

  it.each([...codecIds])('of any bytes give a frame or a FrameError in codec %i', (codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void outcome(codec, Buffer.from(bytes))),
      { numRuns: 2_000 },
    );
  });

  it.each<[CodecId, string]>([
    [1, '122108011080d0eab6b73318c03e20012a0500e807e807320a080310011a048002030a'],
    [
      1,
      '0a370a056e6f727468120662696b652d3118072216014b00000000b3ea077138239342a0feadfe320df6ed283c3a0762696b652d7631588827',
    ],
    [2, '8602000101191f4083a300613302c482201880221a6955b900a3006133060102c48220187ea3006133060202c482201883'],
    [2, '8201a701656e6f727468026662696b652d3103070456014b00000000b3ea077138239342a0feadfe320df6ed05183c0b191388'],
  ])('of good bytes, cut and flipped at random, give a frame or a FrameError in codec %i', (codec, hex) => {
    const good = Buffer.from(hex, 'hex');
    const change = fc.tuple(fc.nat(good.length), fc.array(fc.tuple(fc.nat(good.length * 8 - 1)), { maxLength: 4 }));
    fc.assert(
      fc.property(change, ([length, flips]) => {
        const bytes = Buffer.from(good.subarray(0, length));
        for (const [bit] of flips) {
          if (bit >> 3 < bytes.length) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        }
        outcome(codec, bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
