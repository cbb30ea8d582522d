import type { ProtobufFormat } from '@tidegate/catalog';
import { stringifyJson, type JsonObject } from '@tidegate/contracts';
import fc from 'fast-check';
import { common, parse, Root, util } from 'protobufjs';
import { PayloadError } from './payload-format';
import { protobufFormat } from './protobuf-format';

const proto3 = `syntax = "proto3"; package shop.v1;
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
enum Status { placed = 0; paid = 1; }
message Line { string sku = 1; double unit_price = 2; repeated Line parts = 3; }
message Order {
  string order_id = 1; int64 total = 2; uint64 big = 3; sint64 small = 4; Status status = 5; repeated Line lines = 6;
  optional string note = 7; bytes seal = 8; map<string, int64> counts = 9; repeated int64 packed = 10; bool open = 11;
  oneof who { string person = 12; uint32 device = 13; }
  google.protobuf.Timestamp placed_at = 14; google.protobuf.Int64Value limit = 15; google.protobuf.Struct extra = 16;
  float ratio = 17; string shop = 18 [json_name = "storeId"]; Line first = 19; sfixed64 fixed = 20; sint32 delta = 21;
  repeated Status history = 22; map<int64, Line> by_number = 23; int32 low = 24;
}`;
const proto2 = 'syntax = "proto2"; message Old { required string id = 1; optional int32 count = 2 [default = 7]; }';

function formatOf(text: string, name: string, over: Partial<ProtobufFormat> = {}) {
  const { root, imports = [] } = parse(text, new Root(), { keepCase: true });
  for (const file of imports) root.addJSON(common.get(file)?.nested ?? {});
  root.resolveAll();
  const message = root.lookupType(name);
  const decode = protobufFormat({ message, framing: 'none', index: [0], ...over });
  const read = (bytes: Uint8Array) => decode({ value: Buffer.from(bytes) }).value as JsonObject;
  const write = (fields: object) => message.encode(message.create(fields)).finish();
  return { read, write, written: (fields: object) => read(write(fields)) };
}

const { read, write, written } = formatOf(proto3, 'shop.v1.Order');
const Long = util.Long as unknown as { fromString(digits: string, unsigned?: boolean): object };
const long = (digits: string) => Long.fromString(digits);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const problemOf = (bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown = read) => {
  try {
    return `taken: ${stringifyJson(decode(bytes) as JsonObject)}`;
  } catch (error) {
    if (error instanceof PayloadError) return error.message;
    throw error;
  }
};
const varints = { total: 0, big: 0, small: 0, fixed: 0, delta: 0, low: 0, ratio: 0 };
/** What an empty message says: fields without presence are there always. */
const empty = {
  ...{ orderId: '', ...varints, status: 'placed', lines: [], seal: '', counts: {}, packed: [], open: false },
  ...{ storeId: '', history: [], byNumber: {} },
};

describe('protobufFormat()', () => {
  it('has the fields by their JSON names, those without presence also where they are absent', () => {
    expect(written({})).toEqual(empty);
    const fields = { order_id: 'o1', shop: '31401', note: '', lines: [{ sku: 's', unit_price: 1.5 }] };
    expect(written(fields)).toEqual({
      ...empty,
      ...{ orderId: 'o1', storeId: '31401', note: '', lines: [{ sku: 's', unitPrice: 1.5, parts: [] }] },
    });
  });

  it('keeps every digit of 64-bit integers, and as few as say it of 32-bit floats', () => {
    const fields = {
      total: long('-9223372036854775808'),
      big: Long.fromString('18446744073709551615', true),
      small: long('-9007199254740993'),
      fixed: long('9223372036854775807'),
      packed: ['1', '-1', '9007199254740993'].map(long),
      counts: { a: long('9007199254740993') },
      ...{ ratio: 0.1, delta: -2, low: -5 },
    };
    const row = stringifyJson(written(fields));
    for (const part of [
      '"total":-9223372036854775808',
      '"big":18446744073709551615',
      '"small":-9007199254740993',
      '"fixed":9223372036854775807',
      '"packed":[1,-1,9007199254740993]',
      '"counts":{"a":9007199254740993}',
      '"ratio":0.1',
      '"delta":-2',
      '"low":-5',
    ]) {
      expect(row).toContain(part);
    }
  });

  it('names enumerations, and numbers those that it does not know', () => {
    expect(written({ status: 1, history: [0, 1, 9] })).toMatchObject({
      status: 'paid',
      history: ['placed', 'paid', 9],
    });
  });

  it('has bytes as base64, times as RFC 3339, and wrappers and structs as what they hold', () => {
    const fields = {
      seal: Buffer.from('ab'),
      placed_at: { seconds: long('1767225600'), nanos: 1_500_000 },
      limit: { value: long('9007199254740993') },
      extra: { fields: { a: { listValue: { values: [{ numberValue: 1 }, { nullValue: 0 }, { boolValue: true }] } } } },
    };
    const row = written(fields);
    expect(row).toMatchObject({ seal: 'YWI=', placedAt: '2026-01-01T00:00:00.001500Z', extra: { a: [1, null, true] } });
    expect(stringifyJson(row)).toContain('"limit":9007199254740993');
    expect(problemOf(write({ placed_at: { seconds: long('253402300800') } }))).toMatch(/beyond the years/);
  });

  it('has of a oneof the one that came last, and puts together a message that came in parts', () => {
    const parts = [write({ person: 'p' }), write({ device: 7 }), write({ first: { sku: 's' } })];
    const row = read(Buffer.concat([...parts, write({ first: { unit_price: 2 } })]));
    expect(row).toMatchObject({ device: 7, first: { sku: 's', unitPrice: 2 } });
    expect(row).not.toHaveProperty('person');
  });

  it('takes packed and unpacked lists, and maps by whatever key', () => {
    expect(read(hex('50 01 52 02 02 03 50 04'))).toMatchObject({ packed: [1, 2, 3, 4] });
    const minusOne = 'ba 01 10 08 ffffffffffffffffff01 12 03 0a 01 78';
    expect(read(hex(minusOne))).toMatchObject({ byNumber: { '-1': { sku: 'x' } } });
    expect(read(hex('4a 0d 0a 09 5f5f70726f746f5f5f 10 01'))).toMatchObject({
      counts: JSON.parse('{"__proto__":1}') as object,
    });
  });

  it('passes over unknown fields and those of another kind', () => {
    const unknown = 'c0 3e 01  c1 3e 0000000000000000  c2 3e 01 61  c3 3e 08 01 c4 3e  c5 3e 00000000  0d 00000000';
    expect(read(hex(unknown))).toEqual(empty);
  });

  it('knows what proto2 requires and leaves out what is optional', () => {
    const old = formatOf(proto2, 'Old');
    expect(old.written({ id: 'a' })).toEqual({ id: 'a' });
    expect(problemOf(hex('10 01'), old.read)).toBe('Protobuf: id is missing');
  });

  it('takes of a registry’s framing the message that the catalog names, and no other', () => {
    const [line, order] = [[0], [1]].map((index) => formatOf(proto3, 'shop.v1.Order', { framing: 'confluent', index }));
    expect(line?.read(hex('00 00000007 00'))).toEqual(empty);
    expect(order?.read(hex('00 00000007 02 02'))).toEqual(empty);
    for (const bytes of ['00 00000007 02 02', '00 00000007 04 02 02', '00 00000007 01']) {
      expect(problemOf(hex(bytes), line?.read)).toBe('Protobuf: another message of the file');
    }
    expect(problemOf(hex('0a 00000007 00'), line?.read)).toMatch(/not framed/);
  });

  it.each([
    ['0a', 'it ends too early'],
    ['0a 05 61', 'a length goes beyond it'],
    ['0a 01 ff', 'a text is not UTF-8'],
    ['00 01', 'Protobuf: a field has no number'],
    ['0c', 'Protobuf: a field of a kind that there is not'],
    ['0f', 'Protobuf: a field of a kind that there is not'],
    ['10 ffffffffffffffffffff01', 'a number does not end'],
    ['32 02 0a 05 6161616161', 'Protobuf: a field ends after its message'],
    ['52 01 80 01', 'Protobuf: a list ends inside a value'],
    ['c3 3e 08 01', 'it ends too early'],
  ])('refuses %s', (bytes, problem) => {
    expect(problemOf(hex(bytes))).toBe(problem);
  });

  it('reads neither a nest without end nor values without number', () => {
    let line = Buffer.alloc(0);
    for (let depth = 0; depth < 120; depth++) line = Buffer.concat([hex('1a'), length(line.length), line]);
    expect(problemOf(Buffer.concat([hex('32'), length(line.length), line]))).toBe('nested more than 100 deep');
    expect(problemOf(Buffer.alloc(21_000, 0x7b))).toBe('nested more than 100 deep');
    expect(problemOf(Buffer.concat([hex('52'), length(250_001), Buffer.alloc(250_001)]))).toBe(
      'more than 250000 values',
    );
  });

  it('reads what protobufjs writes', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const fields = fc.record({
      order_id: fc.string({ unit: 'grapheme' }),
      total: int64,
      open: fc.boolean(),
      ratio: fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      packed: fc.array(int64),
      lines: fc.array(fc.record({ sku: fc.string(), unit_price: fc.double({ noNaN: true, noDefaultInfinity: true }) })),
    });
    fc.assert(
      fc.property(fields, (from) => {
        const longs = { total: long(String(from.total)), packed: from.packed.map((each) => long(String(each))) };
        const row = written({ ...from, ...longs });
        expect([row['orderId'], row['open']]).toEqual([from.order_id, from.open]);
        expect(stringifyJson([row['total'] ?? 0, row['packed'] ?? 0])).toBe(`[${from.total},[${from.packed.join()}]]`);
        expect(Math.fround(row['ratio'] as number)).toBe(from.ratio);
        expect((row['lines'] as JsonObject[]).map(({ sku }) => sku)).toEqual(from.lines.map(({ sku }) => sku));
      }),
    );
  });

  it('refuses whatever is no message, in no way but its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof problemOf(bytes)).toBe('string');
        expect(({} as Record<string, unknown>)['sku']).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});

/** A length as a varint. */
function length(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
