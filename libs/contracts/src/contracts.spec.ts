import { z } from 'zod';
import { accountSchema, transactionSchema } from './bank';
import { contractSchemas } from './contract';
import { customerSchema } from './customer';
import { clientFrameSchema, serverFrames } from './frames';
import { parseJson } from './json';
import { orderSchema, placeOrderSchema } from './order';
import { contractShapes, shapeOf } from './shape';
import { telemetrySchema } from './telemetry';

const line = {
  sku: '1004906',
  product: 'POTATOES RUSSET',
  brand: 'Private',
  department: 'PRODUCE',
  quantity: 1,
  unitPrice: 1.39,
  discount: 0.6,
};
const order = {
  orderId: '31198570044',
  customerId: '13',
  tenantId: 'north',
  status: 'placed',
  placedAt: '2026-01-01T11:53:26Z',
  updatedAt: '2026-01-01T11:53:26Z',
  total: 1.39,
  currency: 'USD',
  storeId: '31401',
  lines: [line],
  internalNotes: null,
};

describe('the row contracts', () => {
  it('have the fields of the demo rows', () => {
    const fields = (schema: z.ZodObject) => Object.keys(schema.shape).join(' ');
    expect(fields(orderSchema)).toBe(
      'orderId customerId tenantId status placedAt updatedAt total currency storeId lines internalNotes',
    );
    expect(fields(transactionSchema)).toBe(
      'transactionId accountId customerId tenantId segment amount currency balanceAfter bookedAt customerName accountNumber',
    );
    expect(fields(customerSchema)).toBe(
      'customerId tenantId name email phone address ageBand incomeBand householdSize',
    );
    expect(fields(accountSchema)).toBe('accountId customerId tenantId segment currency balance updatedAt');
    expect(fields(telemetrySchema)).toBe('tenantId deviceId ch t tReceived tq v u');
  });

  it('accept an order, also with negative totals, quantities of 0 and products without a name', () => {
    expect(orderSchema.safeParse(order).success).toBe(true);
    const odd = { ...order, total: -4.25, lines: [{ ...line, quantity: 0, product: null }] };
    expect(orderSchema.safeParse(odd).success).toBe(true);
  });

  it('accept a measured value that is no number, and one without a unit', () => {
    const sample = { tenantId: 'north', deviceId: 'd1', ch: 'temperature', tq: 'synced', v: 21.5, u: 'Cel' };
    const times = { t: '2026-01-01T00:00:00.250Z', tReceived: '2026-01-01T00:00:01Z' };
    const { u: _, ...unitless } = { ...sample, ...times, v: null, tq: 'invalid' };
    expect(telemetrySchema.safeParse({ ...sample, ...times }).success).toBe(true);
    expect(telemetrySchema.safeParse(unitless).success).toBe(true);
    expect(telemetrySchema.safeParse({ ...unitless, v: '21.5' }).success).toBe(false);
  });

  it('accept numbers that were kept as text', () => {
    const row = parseJson(JSON.stringify(order).replace('"total":1.39', '"total":1.10'));
    expect(orderSchema.safeParse(row).data?.total).toBe(1.1);
    const infinite = parseJson(JSON.stringify(order).replace('"total":1.39', '"total":1e999'));
    expect(orderSchema.safeParse(infinite).success).toBe(false);
  });

  it.each([
    { customerId: 13 },
    { status: 'lost' },
    { placedAt: 'yesterday' },
    { total: '1.39' },
    { total: { rawJSON: '1' } },
    { lines: {} },
    { currency: 'US' },
  ])('refuse an order with %j', (change) => {
    expect(orderSchema.safeParse({ ...order, ...change }).success).toBe(false);
  });

  it('can be written as JSON Schema', () => {
    const { audit, ...ofTenants } = contractSchemas;
    for (const schema of Object.values(ofTenants)) {
      expect(z.toJSONSchema(schema)).toHaveProperty('properties.tenantId.type', 'string');
    }
    expect(z.toJSONSchema(audit)).toHaveProperty('properties.data.type', 'object');
    expect(z.toJSONSchema(orderSchema)).toHaveProperty('properties.total.type', 'number');
  });
});

describe('placeOrderSchema', () => {
  const lines = (count: number) => Array.from({ length: count }, () => ({ sku: '1', quantity: 1 }));

  it('takes 1 to 100 lines of 1 to 999 pieces', () => {
    const accepts = (value: unknown) => placeOrderSchema.safeParse({ customerId: '13', lines: value }).success;
    expect([accepts(lines(0)), accepts(lines(1)), accepts(lines(100)), accepts(lines(101))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const quantities = [0, 1, 999, 1000, 1.5].map((quantity) => accepts([{ sku: '1', quantity }]));
    expect(quantities).toEqual([false, true, true, false, false]);
  });

  it('names unknown fields', () => {
    const result = placeOrderSchema.safeParse({ customerId: '13', lines: lines(1), total: 0 });
    expect(result.error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['total'] });
  });
});

describe('clientFrameSchema', () => {
  it.each([
    { t: 'sub', s: 'orders' },
    { t: 'sub', s: 'orders', after: 'x'.repeat(4096), mode: 'latest' },
    { t: 'unsub', s: 'orders' },
    { t: 'ack', s: 'orders', c: 'abc' },
    { t: 'auth', token: 'eyJ' },
  ])('accepts %j', (frame) => {
    expect(clientFrameSchema.safeParse(frame).success).toBe(true);
  });

  it.each([
    null,
    [],
    'x',
    { t: 'nope' },
    { t: 'sub' },
    { t: 'sub', s: 7 },
    { t: 'sub', s: 'orders', admin: true },
    { t: 'sub', s: 'orders', after: 'x'.repeat(4097) },
    { t: 'auth' },
    JSON.parse('{"t":"unsub","s":"orders","__proto__":{}}') as unknown,
  ])('refuses %j', (frame) => {
    expect(clientFrameSchema.safeParse(frame).success).toBe(false);
  });
});

describe('serverFrames', () => {
  it('are named by their t', () => {
    for (const [name, schema] of Object.entries(serverFrames)) expect(schema.shape.t.value).toBe(name);
  });
});

describe('shapeOf()', () => {
  it('reads objects, lists, maps and what may be null', () => {
    const schema = z.object({
      a: z.string().nullable().optional(),
      at: z.iso.datetime(),
      b: z.array(z.object({ c: z.preprocess((value) => value, z.number()) })),
      d: z.record(z.string(), z.boolean()),
      e: z.enum(['x', 'y']),
      l: z.literal('x'),
      f: z.unknown(),
    });
    const { fields } = shapeOf(schema);
    expect(Object.fromEntries(fields)).toEqual({
      a: { kind: 'string', nullable: true },
      at: { kind: 'string', moment: true },
      b: { kind: 'list', of: { kind: 'object', fields: new Map([['c', { kind: 'number' }]]) } },
      d: { kind: 'map', of: { kind: 'boolean' } },
      e: { kind: 'string', oneOf: ['x', 'y'] },
      l: { kind: 'string', oneOf: ['x'] },
      f: { kind: 'any' },
    });
  });

  it('knows every field of the contracts', () => {
    const kinds = Object.values(contractShapes).flatMap(({ fields }) => [...fields.values()].map(({ kind }) => kind));
    expect(kinds).not.toContain('any');
  });
});
