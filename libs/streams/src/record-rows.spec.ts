import { stringifyJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import fc from 'fast-check';
import { jsonFormat } from './payload-format';
import { recordRows } from './record-rows';

const telemetry = { schema: 'telemetry', rows: 'samples' } as const;
const times = { t: '2026-01-01T00:00:00Z', tReceived: '2026-01-01T00:00:01Z', tq: 'synced' };
const sample = (ch: string, v: JsonValue = 1): JsonObject => ({ ch, ...times, v });
/** What a record says, without the kinds of its problems. */
function readBytes(value: Buffer, stream: Parameters<typeof recordRows>[1] = telemetry) {
  const { rows, problems } = recordRows({ value }, stream, jsonFormat);
  return { rows: rows.map(({ row }) => row), problems: problems.map(({ reason }) => reason) };
}
const read = (record: JsonValue) => readBytes(Buffer.from(stringifyJson(record)));
const device = { tenantId: 'north', deviceId: 'd1' };

describe('recordRows()', () => {
  it('joins the fields of the record to each of its rows, in order', () => {
    expect(read({ ...device, samples: [sample('a'), { ...sample('b', null), u: 'Cel' }] })).toEqual({
      rows: [
        { ...device, ...sample('a') },
        { ...device, ...sample('b', null), u: 'Cel' },
      ],
      problems: [],
    });
  });

  it('keeps every digit', () => {
    const text = stringifyJson({ ...device, samples: [sample('a')] }).replace('"v":1', '"v":9007199254740993.10');
    expect(stringifyJson(readBytes(Buffer.from(text)).rows[0] ?? {})).toContain('9007199254740993.10');
  });

  it('takes a record as the one row where the stream names no list', () => {
    const row = { ...device, ...sample('a') };
    expect(readBytes(Buffer.from(stringifyJson(row)), { schema: 'telemetry' })).toEqual({ rows: [row], problems: [] });
  });

  it('finds no rows and nothing wrong in an empty list', () => {
    expect(read({ ...device, samples: [] })).toEqual({ rows: [], problems: [] });
  });

  it.each<[string, JsonValue, string]>([
    ['without the list', device, 'samples: not a list'],
    ['with an object in its place', { ...device, samples: sample('a') }, 'samples: not a list'],
    ['with text in its place', { ...device, samples: 'abc' }, 'samples: not a list'],
    ['that is a list', [sample('a')], 'not an object'],
    ['that is a number', 1, 'not an object'],
    [
      'whose rows would be written out as many times its size',
      { ...device, note: 'x'.repeat(45_000), samples: Array.from({ length: 100 }, () => sample('a')) },
      'samples: too many for what each of them is joined with',
    ],
  ])('shows nothing of a record %s', (_title, record, problem) => {
    expect(read(record)).toEqual({ rows: [], problems: [problem] });
  });

  it('shows a record with a long field of its own and few rows', () => {
    const record = { ...device, note: 'x'.repeat(40_000), samples: Array.from({ length: 100 }, () => sample('a')) };
    expect(read(record).rows).toHaveLength(100);
  });

  it.each<[string, JsonValue, string]>([
    ['breaks the contract', sample('a', 'warm'), 'samples.1: v: invalid_type'],
    ['lacks a field', { ...times, v: 1 }, 'samples.1: ch: invalid_type'],
    ['is text', 'a', 'samples.1: not an object'],
    ['is a list', [1], 'samples.1: not an object'],
    ['is null', null, 'samples.1: not an object'],
    ['names another tenant', { ...sample('a'), tenantId: 'south' }, 'samples.1: a field stands in the record too'],
    ['names another device', { ...sample('a'), deviceId: 'd2' }, 'samples.1: a field stands in the record too'],
  ])('leaves out a row that %s, and shows the others', (_title, row, problem) => {
    const { rows, problems } = read({ ...device, samples: [sample('a'), row, sample('c')] });
    expect(rows.map(({ ch }) => ch)).toEqual(['a', 'c']);
    expect(problems).toEqual([problem]);
  });

  it('takes a record that a decoder fails at for a broken one', () => {
    const format = () => {
      throw new RangeError('with a secret in it');
    };
    const problems = [{ kind: 'undecodable', reason: 'cannot be decoded (RangeError)' }];
    expect(recordRows({ value: Buffer.from('x') }, telemetry, format)).toEqual({ rows: [], problems });
  });

  it('lets a row neither inherit nor change what it is', () => {
    const text = stringifyJson({ ...device, samples: [sample('a')] }).replace(
      '"v":1',
      '"v":1,"__proto__":{"tenantId":"south"},"constructor":{"prototype":{}}',
    );
    const [row] = readBytes(Buffer.from(text)).rows;
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(row?.['tenantId']).toBe('north');
  });

  it('gives rows that keep the contract and belong to the record, whatever the record holds', () => {
    const name = fc.constantFrom('tenantId', 'deviceId', 'samples', 'ch', 't', 'tq', 'v', '__proto__', 'constructor');
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(sample('a')), fc.constant([sample('a')]));
    const items = fc.array(fc.oneof(fc.constant(sample('a')), fc.dictionary(name, value), fc.jsonValue()));
    fc.assert(
      fc.property(fc.dictionary(name, value), items, (outer, samples) => {
        const { rows, problems } = read({ ...outer, ...device, samples } as JsonObject);
        expect(rows.length + problems.length).toBe(samples.length);
        for (const row of rows) expect(row).toMatchObject(device);
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const { rows, problems } = readBytes(Buffer.from(bytes));
        expect(rows).toEqual([]);
        expect(problems).toHaveLength(1);
      }),
    );
  });
});
