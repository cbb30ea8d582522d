import { Registry } from '@tidegate/telemetry';
import { PayloadReader } from './payload-reader';
import { LoopbackRegistry } from './registry-fixture';
import { SchemaRegistry, type SchemaRegistryOptions } from './schema-registry';
import { gauge } from './stream-fixture';

describe(SchemaRegistry.name, () => {
  let loopback: LoopbackRegistry;
  let metrics: Registry;
  let nowMs: number;

  beforeEach(async () => {
    loopback = await new LoopbackRegistry().start();
    metrics = new Registry();
    nowMs = 0;
  });
  afterEach(() => loopback.stop());

  const open = (over: Partial<SchemaRegistryOptions> = {}) =>
    new SchemaRegistry({ url: loopback.url, ...over }, metrics, () => nowMs);
  const problemOf = async (schemas: SchemaRegistry, id: number) => {
    try {
      (await schemas.schema(id))(new PayloadReader(Buffer.alloc(1)));
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : error;
    }
  };

  it('asks for a schema once, whoever wants it, and with the credentials that it has', async () => {
    loopback.schemas.set(7, { schema: '"int"' });
    const schemas = open({ url: `${loopback.url}/api/`, username: 'u', password: 'p' });
    expect(schemas.known(7)).toBeUndefined();
    await Promise.all(Array.from({ length: 20 }, () => schemas.schema(7)));
    expect(schemas.known(7)?.(new PayloadReader(Buffer.from([4])))).toBe(2);
    expect(loopback.asked).toEqual(['GET /api/schemas/ids/7?format=resolved Basic dTpw']);
  });

  it.each([
    ['that it does not know', undefined, 'Avro: the schema 7 is not known to the registry'],
    [
      'of another format',
      { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' },
      'Avro: the schema 7 is of another format',
    ],
    ['that is none', { schema: '{"type":"record"}' }, 'Avro: the schema 7 cannot be used'],
    ['that is too large', { schema: JSON.stringify(' '.repeat(1024 * 1024)) }, 'Avro: the schema 7 is too large'],
  ])(
    'makes records of a schema %s broken ones, and asks again after half a minute',
    async (_title, answer, problem) => {
      if (answer !== undefined) loopback.schemas.set(7, answer);
      const schemas = open();
      for (const at of [0, 29_999]) {
        nowMs = at;
        expect(await problemOf(schemas, 7)).toBe(problem);
      }
      expect(loopback.asked).toHaveLength(answer === undefined ? 2 : 1);
      loopback.schemas.set(7, { schema: '"int"' });
      nowMs = 30_000;
      expect(await problemOf(schemas, 7)).toBeUndefined();
    },
  );

  it('asks again for an id that is not known, since it may be new, but not for one after the other', async () => {
    const schemas = open();
    const asked = schemas.schema(7);
    while (loopback.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    loopback.schemas.set(7, { schema: '"int"' });
    expect((await asked)(new PayloadReader(Buffer.from([4])))).toBe(2);
    expect(await problemOf(schemas, 8)).toBe('Avro: the schema 8 is not known to the registry');
    expect(loopback.asked).toHaveLength(3);
  });

  it.each([
    [500, 'schema registry: it answers 500'],
    [503, 'schema registry: it answers 503'],
    [429, 'schema registry: it answers 429'],
    [401, 'schema registry: it answers 401'],
    // As something before a registry that is away says it.
    [404, 'schema registry: it answers 404'],
    [200, 'schema registry: its answer is none'],
    [302, 'schema registry: it does not answer'],
  ])('takes %s for an outage, asks no more for half a second, and then again', async (status, problem) => {
    loopback.status = status;
    const schemas = open();
    expect(await problemOf(schemas, 7)).toBe(problem);
    expect(await problemOf(schemas, 8)).toBe(problem);
    expect(loopback.asked).toHaveLength(1);
    loopback.status = undefined;
    loopback.schemas.set(7, { schema: '"int"' });
    nowMs = 500;
    expect(await problemOf(schemas, 7)).toBeUndefined();
    expect(await gauge(metrics, 'tidegate_stream_schema_requests_total')).toBe(2);
  });

  it('says when nobody answers', async () => {
    const schemas = open();
    await loopback.stop();
    expect(await problemOf(schemas, 7)).toBe('schema registry: it does not answer');
    loopback = await new LoopbackRegistry().start();
  });
});
