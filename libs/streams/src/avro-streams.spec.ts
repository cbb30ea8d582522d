import { Type } from 'avsc';
import type { DeadLetter } from './dead-letters';
import { framed, LoopbackRegistry } from './registry-fixture';
import { caller, gauge, HeardSink, order, topic, viewOf, world, type World, type WorldOptions } from './stream-fixture';

const text = (name: string) => ({ name, type: 'string' });
const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    ...['orderId', 'customerId', 'tenantId', 'status', 'placedAt', 'updatedAt', 'currency', 'storeId'].map(text),
    { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 } },
    { name: 'lines', type: { type: 'array', items: 'null' } },
  ],
};
const type = Type.forSchema(schema as never);
const avro = (orderId: string, id = 1) => {
  const fields = JSON.parse(order(orderId)) as object;
  return framed(id, type.toBuffer({ ...fields, lines: [], total: Buffer.from([0x04, 0xce]) }));
};

describe('a stream of Avro', () => {
  let registry: LoopbackRegistry;
  const worlds: World[] = [];

  beforeEach(async () => {
    registry = await new LoopbackRegistry().start();
    registry.schemas.set(1, { schema: JSON.stringify(schema) });
    registry.schemas.set(2, { schema: JSON.stringify(schema) });
  });
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(({ hub }) => hub.close()));
    await registry.stop();
  });

  const open = (options: WorldOptions = {}) => {
    const all = world({ stream: { format: 'avro' }, schemaRegistry: { url: registry.url }, ...options });
    worlds.push(all);
    return all;
  };
  const follow = async ({ hub }: World, start = {}) => {
    const sink = new HeardSink();
    const session = await hub.subscribe(caller(), 'orders', start, sink);
    await sink.until(() => sink.kinds.includes('caught-up'));
    return { sink, session };
  };
  const reasonOf = async ({ hub }: World) => {
    const health = await hub.health.check();
    return health.ok ? undefined : health.reason;
  };
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('has rows whose schema is asked for when they come, live and read back', async () => {
    const all = open();
    all.log.append(topic, { value: avro('before') });
    const { sink } = await follow(all);
    all.log.append(topic, { value: avro('1') });
    await sink.until(() => sink.ids.length === 1);
    expect(sink.of('rows')[0]?.texts).toContain('"total":12.30');
    const page = await all.hub.read(caller(), 'orders', { from: 'earliest', limit: 10, waitMs: 0 });
    expect(page.records.map(({ orderId }) => orderId)).toEqual(['before', '1']);
    expect(registry.asked).toHaveLength(1);
  });

  it('waits while the registry is away, in the order of its partition, and loses and doubles nothing', async () => {
    const all = open({ partitions: 2 });
    const { sink } = await follow(all);
    all.log.append(topic, { value: avro('known') });
    await sink.until(() => sink.ids.length === 1);
    registry.status = 503;
    all.log.append(topic, { value: avro('new', 2) });
    await until(async () => (await reasonOf(all)) === 'shop.orders: schema registry: it answers 503');
    all.log.append(topic, { value: avro('behind it') });
    all.log.append(topic, { value: avro('beside it') }, 1);
    await sink.until(() => sink.ids.length === 2);
    expect(sink.ids).toEqual(['known', 'beside it']);
    const cursor = sink.lastCursor;
    registry.status = undefined;
    await sink.until(() => sink.ids.length === 4);
    expect(sink.ids.slice(2)).toEqual(['new', 'behind it']);
    const { sink: resumed } = await follow(all, { after: cursor });
    expect(resumed.ids).toEqual(['new', 'behind it']);
    expect([await reasonOf(all), sink.kinds.includes('gap')]).toEqual([undefined, false]);
  });

  it('is read up to the first record that waits, and answers `unavailable` there', async () => {
    const all = open();
    for (const id of ['a', 'b']) all.log.append(topic, { value: avro(id) });
    const read = (start: object) => all.hub.read(caller(), 'orders', { limit: 10, waitMs: 0, ...start });
    expect((await read({ from: 'earliest' })).records).toHaveLength(2);
    await until(() => Promise.resolve(all.log.tailCount === 0));
    registry.status = 503;
    all.log.append(topic, { value: avro('new', 2) });
    const page = await read({ from: 'earliest' });
    expect(page.records.map(({ orderId }) => orderId)).toEqual(['a', 'b']);
    const after = page.cursor;
    await expect(read({ after })).rejects.toMatchObject({ code: 'unavailable' });
    registry.status = undefined;
    await until(() =>
      read({ after }).then(
        ({ records }) => records[0]?.['orderId'] === 'new',
        () => false,
      ),
    );
  });

  it('tells of records whose schema nobody knows, and of those that are framed otherwise, and goes on', async () => {
    const letters: DeadLetter[] = [];
    const all = open({ deadLetters: { add: (letter) => void letters.push(letter) } });
    const { sink } = await follow(all);
    for (const value of [avro('x', 99), order('json'), framed(1, Buffer.from([9])), avro('good')])
      all.log.append(topic, { value });
    await sink.until(() => sink.ids.includes('good'));
    expect(letters.map(({ offset, reason }) => [offset, reason])).toEqual([
      ['0', 'Avro: the schema 99 is not known to the registry'],
      ['1', 'Avro: not framed as a schema registry’s serializer does'],
      ['2', 'a length goes beyond it'],
    ]);
  });

  it('ends its sessions, which lose nothing, when more waits than may', async () => {
    const all = open({ partitions: 2, limits: { ringBytes: 2_000 } });
    const { sink } = await follow(all);
    all.log.append(topic, { value: avro('known') });
    await sink.until(() => sink.ids.length === 1);
    registry.status = 503;
    const ids = Array.from({ length: 20 }, (_, n) => `n${n}`);
    for (const [n, id] of ids.entries()) {
      all.log.append(topic, { value: avro(id, 2) }, n % 2);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await sink.until(() => sink.kinds.includes('bye'));
    expect(sink.of('bye')[0]?.code).toBe('restart');
    const resumed = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { after: sink.lastCursor }, resumed);
    registry.status = undefined;
    await resumed.until(() => resumed.ids.length >= 20);
    expect([...resumed.ids].sort()).toEqual([...ids].sort());
  });

  it('forgets what waits of a topic that is made again, with fewer partitions too', async () => {
    const all = open({ partitions: 2 });
    const { sink } = await follow(all);
    registry.status = 503;
    for (const partition of [0, 1]) all.log.append(topic, { value: avro('old') }, partition);
    await until(async () => (await reasonOf(all)) !== undefined);
    all.log.recreate(topic, 1);
    all.log.append(topic, { value: avro('new') });
    registry.status = undefined;
    await sink.until(() => sink.ids.includes('new'));
    expect([sink.ids, sink.of('gap').map(({ reason }) => reason)]).toEqual([['new'], ['recreated']]);
    expect(await reasonOf(all)).toBeUndefined();
  });

  it('reads what came before anybody knew that it is Avro', async () => {
    const all = open({ stream: { format: 'json' } });
    const { sink } = await follow(all);
    for (const id of ['1', '2']) all.log.append(topic, { value: avro(id) });
    await until(async () => (await gauge(all.registry, 'tidegate_stream_bad_records_total')) === 2);
    const orders = all.catalog.streams.get('orders');
    if (orders === undefined) throw new Error('no orders');
    const streams = new Map([['orders', { ...orders, format: 'avro' as const }]]);
    all.hub.changeCatalog({ ...all.catalog, version: '2', streams }, { view: viewOf });
    await sink.until(() => sink.kinds.includes('bye'));
    all.log.append(topic, { value: avro('3') });
    const { sink: next } = await follow(all, { from: 'earliest' });
    await next.until(() => next.ids.length === 3);
    expect(next.ids).toEqual(['1', '2', '3']);
  });

  it('waits, and says why, where no registry is configured', async () => {
    const all = world({ stream: { format: 'avro' } });
    worlds.push(all);
    await follow(all);
    all.log.append(topic, { value: avro('1') });
    await until(async () => (await reasonOf(all))?.includes('SCHEMA_REGISTRY_URL') === true);
  });
});
