import { openDoors, type Doors } from './doors-fixture';

interface Ref {
  $ref: string;
}

interface Document {
  channels: Record<string, { address: string }>;
  operations: Record<string, { action: string; channel: Ref; messages: Ref[]; security: Ref[] }>;
  components: { messages: Record<string, { payload: object }>; schemas: Record<string, { required?: string[] }> };
}

let doors: Doors;
let document: Document;

beforeAll(async () => {
  doors = await openDoors();
  const response = await fetch(`${doors.url}/asyncapi.json`);
  expect(response.status).toBe(200);
  document = (await response.json()) as Document;
});
afterAll(() => doors.app.close());

function resolve(ref: string): unknown {
  const at = (value: unknown, part: string): unknown => (value as Record<string, unknown> | undefined)?.[part];
  return ref.slice(2).split('/').reduce(at, document);
}

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : refsIn(inner)));
}

describe('GET /asyncapi.json', () => {
  it('is an AsyncAPI 3 document with a channel for each place where a stream stands', () => {
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Tidegate streams', version: '1' } });
    const addresses = Object.values(document.channels).map(({ address }) => address);
    expect(addresses).toEqual(['/streams', '/streams/orders', '/streams/accounts', '/orders/stream']);
    expect(document.channels['streams.orders']).toMatchObject({
      'x-key': ['orderId'],
      bindings: { ws: { method: 'GET', query: { properties: { after: {}, from: {}, mode: {}, where: {}, sub: {} } } } },
    });
  });

  it('holds what it refers to', () => {
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(50);
    for (const ref of refs) expect([ref, resolve(ref)]).toEqual([ref, expect.any(Object)]);
  });

  it('has every operation send or receive messages of its own channel, with the ways to authenticate', () => {
    const operations = Object.values(document.operations);
    expect(operations).toHaveLength(8);
    for (const { action, channel, messages, security } of operations) {
      expect(['send', 'receive']).toContain(action);
      expect(messages.every(({ $ref }) => $ref.startsWith(`${channel.$ref}/messages/`))).toBe(true);
      expect(security.map(({ $ref }) => $ref)).toEqual([
        '#/components/securitySchemes/bearer',
        '#/components/securitySchemes/ticket',
      ]);
    }
  });

  it('describes the frames of both sides, and rows by the contract of their stream', () => {
    const { messages, schemas } = document.components;
    expect(Object.keys(messages)).toEqual([
      ...['hello', 'rows', 'gone', 'gap', 'caught-up', 'expiring', 'error', 'bye', 'sub', 'unsub', 'ack', 'auth'],
      ...['orders.rows', 'orders.gone', 'accounts.rows', 'accounts.gone'],
    ]);
    expect(messages['orders.rows']?.payload).toMatchObject({
      type: 'object',
      required: ['t', 's', 'c', 'r'],
      properties: { s: { const: 'orders' }, r: { type: 'array', items: { $ref: '#/components/schemas/orders' } } },
    });
    const row = schemas['orders'];
    expect(row).toMatchObject({ type: 'object', properties: { orderId: {}, total: {} } });
    expect(row?.required).toBeUndefined();
  });

  it('says nothing physical', () => {
    expect(JSON.stringify(document)).not.toContain('secret.');
  });
});
