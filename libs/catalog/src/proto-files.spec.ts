import { stringify } from 'yaml';
import { parseCatalog } from './catalog';
import { CatalogError } from './catalog-error';

const files = {
  'orders.proto': `syntax = "proto3"; package shop.v1; import "common.proto"; import "google/protobuf/timestamp.proto";
message Line { message Part { string sku = 1; } }
message Order {
  string order_id = 1; string tenant = 2 [json_name = "tenantId"]; shop.v1.Money total = 3; google.protobuf.Timestamp at = 4;
}
message Batch { repeated Order orders = 1; }`,
  'common.proto': 'syntax = "proto3"; package shop.v1; message Money { int64 cents = 1; }',
  'broken.proto': 'syntax = "proto3";\nmessage Order { strin order_id = ; }',
  'lacking.proto': 'syntax = "proto3"; message Order { Money total = 1; }',
  'upwards.proto': 'syntax = "proto3"; import "../../etc/passwd";',
};

function load(format: unknown, over: object = {}, protos = files) {
  const orders = { sources: [{ topic: 'a' }], key: ['orderId'], tenant: 'tenantId', schema: 'order', format, ...over };
  const yaml = { 'tenants.yaml': 'tenants: { north: { name: North } }', 'policies.yaml': 'grants: []' };
  return parseCatalog({ ...yaml, 'streams.yaml': stringify({ streams: { orders } }), ...protos });
}

function problemsOf(format: unknown, over: object = {}): readonly string[] {
  try {
    load(format, over);
    return [];
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return error.problems.map(({ field, message }) => `${field}: ${message}`);
  }
}

const order = { file: 'orders.proto', message: 'shop.v1.Order' };

describe('the format of a stream', () => {
  it.each(['json', 'cbor', 'avro'])('is %s', (format) => {
    expect(load(format).streams.get('orders')?.format).toBe(format);
  });

  it('is a message of a file beside the catalog, and which one of the file it is', () => {
    const formats = ['shop.v1.Order', 'shop.v1.Batch', 'shop.v1.Line.Part'].map((message, n) => {
      const over = n === 0 ? {} : { rows: n === 1 ? 'orders' : 'sku' };
      return load({ protobuf: { ...order, message, framing: 'confluent' } }, over).streams.get('orders')?.format;
    });
    expect(formats).toMatchObject([{ index: [1] }, { index: [2] }, { index: [0, 0] }]);
    expect(formats[0]).toMatchObject({ framing: 'confluent', message: { name: 'Order' } });
    expect(load({ protobuf: order }).streams.get('orders')?.format).toMatchObject({ framing: 'none' });
  });

  it('may be another one of a source', () => {
    const sources = [{ topic: 'a' }, { topic: 'b', format: 'avro' }, { topic: 'c', format: { protobuf: order } }];
    const stream = load('cbor', { sources }).streams.get('orders');
    expect([stream?.format, ...(stream?.sources.map(({ format }) => format) ?? [])]).toMatchObject([
      ...['cbor', undefined, 'avro'],
      { index: [1] },
    ]);
    const broken = [{ topic: 'c', format: { protobuf: { ...order, message: 'shop.v1.Batch' } } }];
    expect(problemsOf('json', { sources: broken })).toEqual([
      'streams.orders.sources[0].format.protobuf.message: shop.v1.Batch has no field whose JSON name is orderId',
    ]);
  });

  it('changes the version of the catalog with its file, or one that this imports', () => {
    const version = (changed?: keyof typeof files) => {
      const change = changed === undefined ? {} : { [changed]: `${files[changed]}\n` };
      return load({ protobuf: order }, {}, { ...files, ...change }).version;
    };
    const versions = [version(), version('orders.proto'), version('common.proto')];
    expect(new Set(versions).size).toBe(3);
    expect(version('broken.proto')).toBe(versions[0]);
  });

  const at = 'streams.orders.format';
  it.each([
    ['xml', {}, `${at}: is no format; use json, cbor, avro or { protobuf: { file, message } }`],
    [
      { protobuf: { file: '../orders.proto', message: 'A' } },
      {},
      `${at}.protobuf.file: is no .proto file beside this one`,
    ],
    [{ protobuf: { ...order, file: 'none.proto' } }, {}, `${at}.protobuf.file: none.proto cannot be read (ENOENT)`],
    [{ protobuf: { ...order, file: 'broken.proto' } }, {}, `${at}.protobuf.file: broken.proto: illegal`],
    [{ protobuf: { ...order, file: 'upwards.proto' } }, {}, `${at}.protobuf.file: ../../etc/passwd cannot be imported`],
    [
      { protobuf: { file: 'lacking.proto', message: 'Order' } },
      {},
      `${at}.protobuf.file: no such Type or Enum 'Money' in Type .Order`,
    ],
    [{ protobuf: { ...order, message: 'shop.v1.Odrer' } }, {}, `${at}.protobuf.file: no such type: shop.v1.Odrer`],
    [{ protobuf: { ...order, message: 'shop.v1.Money' } }, {}, `shop.v1.Money is not declared in orders.proto itself`],
    [{ protobuf: order }, { key: ['storeId'] }, 'shop.v1.Order has no field whose JSON name is storeId'],
    [{ protobuf: order }, { rows: 'orders' }, 'shop.v1.Order has no field whose JSON name is orders'],
  ])('is not %j with %j', (format, over, problem) => {
    const problems = problemsOf(format, over);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
