import { stringifyJson, type JsonValue } from '@tidegate/contracts';
import { Type } from 'avsc';
import fc from 'fast-check';
import { compileAvro } from './avro-schema';
import { PayloadError } from './payload-format';
import { PayloadReader } from './payload-reader';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function readerOf(schema: unknown) {
  const read = compileAvro(JSON.stringify(schema));
  return (bytes: Uint8Array): JsonValue => {
    const reader = new PayloadReader(Buffer.from(bytes));
    const value = read(reader);
    if (!reader.ended) throw new PayloadError('bytes follow the value');
    return value;
  };
}

const textOf = (schema: unknown, bytes: string) => stringifyJson(readerOf(schema)(hex(bytes)) ?? 'null');
const problemOf = (work: () => unknown) => {
  try {
    return `taken: ${stringifyJson([work() as JsonValue])}`;
  } catch (error) {
    if (error instanceof PayloadError) return error.message;
    throw error;
  }
};

const order = {
  type: 'record',
  name: 'shop.v1.Order',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['placed', 'paid'] } },
    { name: 'seal', type: { type: 'fixed', name: 'Seal', size: 2 } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    { name: 'parts', type: { type: 'array', items: 'Order' } },
    { name: 'twin', type: ['null', 'Order', 'long'] },
  ],
};
const written = (id: string, over: object = {}) => ({
  ...{ orderId: id, note: null, status: 'paid', seal: Buffer.from('ab'), counts: {}, parts: [], twin: null, ...over },
});

describe('compileAvro()', () => {
  it('reads records, their own kind in them, and unions without the name of the branch', () => {
    const bytes = Type.forSchema(order as never, { wrapUnions: false }).toBuffer(
      written('1', { note: 'n', counts: { a: 1 }, parts: [written('2')], twin: written('3', { twin: 5 }) }),
    );
    const row = (orderId: string) => ({ ...written(orderId), seal: 'YWI=' });
    expect(readerOf(order)(bytes)).toEqual({
      ...row('1'),
      ...{ note: 'n', counts: { a: 1 }, parts: [row('2')], twin: { ...row('3'), twin: 5 } },
    });
  });

  const bytesDecimal = { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 };
  const fixedDecimal = { type: 'fixed', name: 'D', size: 3, logicalType: 'decimal', precision: 6, scale: 3 };
  it.each<[string, unknown, string, string]>([
    ['a long', 'long', '82 80 80 80 80 80 80 20', '9007199254740993'],
    ['the least long', 'long', 'ff ff ff ff ff ff ff ff ff 01', '-9223372036854775808'],
    ['a float', 'float', 'cd cc cc 3d', '0.1'],
    ['a double', 'double', '9a 99 99 99 99 99 f1 3f', '1.1'],
    ['no number', 'double', '00 00 00 00 00 00 f8 7f', '"null"'],
    ['a decimal of bytes', bytesDecimal, '04 04 ce', '12.30'],
    ['a negative one', bytesDecimal, '02 ff', '-0.01'],
    ['none at all', bytesDecimal, '00', '0.00'],
    ['a long one', bytesDecimal, '12 01 00 00 00 00 00 00 00 00', '184467440737095516.16'],
    ['a decimal of fixed size', fixedDecimal, '00 04 d2', '1.234'],
    ['milliseconds', { type: 'long', logicalType: 'timestamp-millis' }, '01', '"1969-12-31T23:59:59.999Z"'],
    [
      'microseconds',
      { type: 'long', logicalType: 'timestamp-micros' },
      '82 80 82 e2 88 d2 a3 06',
      '"2026-01-01T00:00:00.000001Z"',
    ],
    ['a date', { type: 'int', logicalType: 'date' }, '01', '"1969-12-31"'],
    ['another logical type', { type: 'string', logicalType: 'uuid' }, '02 61', '"a"'],
    ['blocks with their size', { type: 'array', items: 'int' }, '03 04 02 04 02 06 00', '[1,2,3]'],
    ['a key like any other', { type: 'map', values: 'int' }, '02 12 5f5f70726f746f5f5f 02 00', '{"__proto__":1}'],
  ])('reads %s', (_title, schema, bytes, text) => {
    expect(textOf(schema, bytes)).toBe(text);
  });

  it.each<[string, unknown, string, string]>([
    ['a text that ends too early', 'string', '04 61', 'a length goes beyond it'],
    ['a text of a negative length', 'string', '01', 'a length goes beyond it'],
    ['a text that is no UTF-8', 'string', '02 ff', 'a text is not UTF-8'],
    ['a branch that there is not', ['null', 'int'], '04', 'Avro: a choice that its schema does not have'],
    ['a symbol that there is not', order.fields[2]?.type, '01', 'Avro: a choice that its schema does not have'],
    ['a number without end', 'long', 'ff'.repeat(11), 'a number does not end'],
    [
      'more values than bytes',
      { type: 'array', items: 'null' },
      'fe ff ff ff ff ff ff ff ff 01',
      'more than 250000 values',
    ],
    ['empty blocks without end', { type: 'array', items: 'int' }, '80', 'it ends too early'],
    [
      'a time that no clock shows',
      { type: 'long', logicalType: 'timestamp-millis' },
      'fe ff ff ff ff ff ff ff ff 01',
      'Avro: a time beyond the years 1 to 9999',
    ],
    ['a decimal that is too long', bytesDecimal, `82 02 ${'7f'.repeat(129)}`, 'an integer of more than 128 bytes'],
  ])('refuses %s', (_title, schema, bytes, problem) => {
    expect(problemOf(() => readerOf(schema)(hex(bytes)))).toBe(problem);
  });

  it('reads no nest without end', () => {
    const endless = { type: 'record', name: 'Endless', fields: [{ name: 'a', type: 'Endless' }] };
    expect(problemOf(() => readerOf(endless)(hex('00')))).toBe('nested more than 100 deep');
    const list = { type: 'record', name: 'L', fields: [{ name: 'l', type: ['null', 'L'] }] };
    expect(problemOf(() => readerOf(list)(Buffer.alloc(1_000, 2)))).toBe('nested more than 100 deep');
  });

  it.each(['', '{', '"int', '{"type":"record","name":"a","fields":[{"name":"b","type":"c"}]}', '"no-such"', 'null'])(
    'takes no schema such as %j',
    (schema) => {
      expect(() => compileAvro(schema)).toThrow();
    },
  );

  it('reads what avsc writes', () => {
    const value = fc.record({
      orderId: fc.string({ unit: 'grapheme' }),
      note: fc.option(fc.string()),
      counts: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.integer(),
      ),
      // Beyond, avsc writes another number.
      twin: fc.option(fc.integer({ min: -(2 ** 52), max: 2 ** 52 })),
    });
    const [type, read] = [Type.forSchema(order as never, { wrapUnions: false }), readerOf(order)];
    fc.assert(
      fc.property(value, fc.array(value), (from, parts) => {
        const whole = written('', { ...from, parts: parts.map((part) => written('', part)) });
        const expected = {
          ...written('', from),
          seal: 'YWI=',
          parts: parts.map((part) => ({ ...written('', part), seal: 'YWI=' })),
        };
        expect(read(type.toBuffer(whole))).toEqual(expected);
      }),
    );
  });

  it('refuses whatever is no value, in no way but its own', () => {
    const read = readerOf(order);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof problemOf(() => read(bytes))).toBe('string');
      }),
      { numRuns: 2_000 },
    );
  });
});
