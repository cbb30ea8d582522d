import type { Stream } from '@tidegate/catalog';
import { Registry, type Logger } from '@tidegate/telemetry';
import { Encoder } from 'cbor-x';
import type { DeadLetter } from './dead-letters';
import { StreamMetrics } from './metrics';
import { DecodedRows, RowDecoder } from './row-decoder';
import { gauge, order } from './stream-fixture';
import type { StreamRecord } from './stream-record';

const stream: Stream = {
  ...{ name: 'orders', sources: [{ topic: 't' }], key: ['orderId'], tenant: 'tenantId', schema: 'order' },
  resume: { maxScanned: 1, maxMs: 1 },
};
const whole = { apply: <T>(row: T) => row };

function setUp(keptBytes = 1_000_000) {
  const registry = new Registry();
  const letters: DeadLetter[] = [];
  const metrics = new StreamMetrics(registry, () => 0);
  const make = (over: Partial<Stream> = {}) =>
    new RowDecoder({
      ...{ stream: { ...stream, ...over }, metrics, now: Date.now },
      logger: { warn: () => undefined } as unknown as Logger,
      decodedRows: new DecodedRows(keptBytes),
      deadLetters: { add: (letter) => void letters.push(letter) },
    });
  return { registry, letters, make };
}

function record(text: string, via: StreamRecord['via'] = 'tail'): StreamRecord {
  return {
    ...{ topic: 't', partition: 3, offset: 17n, timestampMs: 0, key: null, value: Buffer.from(text) },
    ...{ owner: undefined, via, decoded: undefined, reported: false },
  };
}

function textOf(decoder: RowDecoder, text: string): string | undefined {
  const [row] = decoder.rows(record(text));
  return row && decoder.text(row, whole);
}

describe(RowDecoder.name, () => {
  it('passes on a row that nothing is cut from as it came, with its spaces, escapes and digits', () => {
    const text = order('1', { storeId: 'é/' })
      .replace('é/', '\\u00e9\\/')
      .replace('12.5', ' 12.500')
      .replace('{', '{"more" : 9007199254740993e0,');
    expect(textOf(setUp().make(), text)).toBe(text);
  });

  it.each([
    [
      'where a key stands twice, the last counting as it did for policy',
      order('1').replace('{', '{"tenantId":"south",'),
    ],
    ['in several lines', order('1').replace('{', '{\n')],
  ])('writes a row out anew %s', (_title, text) => {
    expect(textOf(setUp().make(), text)).toBe(JSON.stringify(JSON.parse(text)));
  });

  it('reads the records of a source in its own format', () => {
    const decoder = setUp().make({ sources: [{ topic: 'a', format: 'cbor' }, { topic: 't' }] });
    const fields = JSON.parse(order('1')) as object;
    const value = new Encoder({ useRecords: false }).encode(fields);
    expect(decoder.rows({ ...record(''), topic: 'a', value }).map(({ row }) => row)).toEqual([fields]);
    expect(decoder.rows(record(order('1'))).map(({ row }) => row)).toEqual([fields]);
  });

  it('writes out what a view leaves of a row', () => {
    const decoder = setUp().make();
    const [row] = decoder.rows(record(order('1')));
    expect(row && decoder.text(row, { apply: ({ orderId = '' }) => ({ orderId }) })).toBe('{"orderId":"1"}');
  });

  it('tells of a broken record that the tail brought once, whoever decodes it, and not what it says', async () => {
    const { registry, letters, make } = setUp(0);
    const broken = record(order('secret').replace('12.5', '"secret"'));
    const [decoder, other] = [make(), make({ name: 'orders-too' })];
    for (const each of [decoder, decoder, other]) expect(each.rows(broken)).toEqual([]);
    const place = { topic: 't', partition: 3, offset: '17', schema: 'order', stream: 'orders' };
    expect(letters).toEqual([{ ...place, reason: 'total: invalid_type' }]);
    expect(await gauge(registry, 'tidegate_stream_bad_records_total')).toBe(1);
  });

  it('tells of all that is broken in a record at once', async () => {
    const { registry, letters, make } = setUp();
    make({ rows: 'orders' }).rows(record(`{"orders":[1,${order('1')},{}]}`));
    expect(letters.map(({ reason }) => reason)).toEqual(['orders.0: not an object (and 1 more)']);
    expect(await gauge(registry, 'tidegate_stream_bad_records_total')).toBe(2);
  });

  it('counts a broken record that was read back in the log, and does not tell of it', async () => {
    const { registry, letters, make } = setUp();
    make().rows(record('{', 'range'));
    expect(letters).toEqual([]);
    expect(await gauge(registry, 'tidegate_stream_bad_records_total')).toBe(1);
  });
});
