import type { Producer } from '@tidegate/kafka';
import type { StreamHub, StreamStart } from '@tidegate/streams';
import { KafkaBench, until } from './support/kafka-bench';
import { orderOf, reader, ScreenSink, streamReplica } from './support/stream-replica';

// Streams of several topics, of a topic for each tenant, and of topics that a pattern fits, on a real broker.
describe('the sources of a stream', () => {
  let bench: KafkaBench;
  let producer: Producer;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    producer = bench.producer();
  }, 120_000);

  afterAll(() => bench.stop());

  const put = (topic: string, id: string, over = {}) => producer.send({ topic, key: id, value: orderOf(id, over) });

  const hubOf = (sources: readonly ({ topic: string } | { pattern: string })[]): StreamHub =>
    streamReplica(bench, '', { stream: { sources }, limits: { topicsPollMs: 200 } });

  const follow = async (hub: StreamHub, start: StreamStart = {}, who = reader()): Promise<ScreenSink> => {
    const sink = new ScreenSink();
    await hub.subscribe(who, 'orders', { from: 'earliest', ...start }, sink);
    await until('it is live', () => sink.caughtUps > 0);
    return sink;
  };

  const has = (sink: ScreenSink, ...ids: string[]) =>
    until(`it has ${ids.join(' ')}`, () => ids.every((id) => sink.ids.includes(id)));

  it('are merged, each at its own offset after a resume, and one that is not there yet joins while it runs', async () => {
    const [a, b] = [await bench.topic(2), await bench.topic(1)];
    const late = `late-${a}`;
    const sources = [{ topic: a }, { topic: b }, { topic: late }];
    for (const id of ['a1', 'a2', 'a3']) await put(a, id);
    await put(b, 'b1');
    const sink = await follow(hubOf(sources));
    await has(sink, 'a1', 'a2', 'a3', 'b1');
    await bench.createTopic(late, 2);
    for (const id of ['l1', 'l2', 'l3']) await put(late, id);
    await has(sink, 'l1', 'l2', 'l3');
    await put(late, 'l4');
    await has(sink, 'l4');
    expect([sink.ids.length, sink.gaps, sink.goodbye]).toEqual([8, [], undefined]);
    await put(b, 'b2');
    await has(sink, 'b2');
    const cursor = sink.lastCursor;
    await put(a, 'a4');
    const again = await follow(hubOf([{ topic: late }, { topic: b }, { topic: a }]), { after: cursor });
    await has(again, 'a4');
    expect([again.ids, again.gaps]).toEqual([['a4'], []]);
  }, 60_000);

  it('say a gap for one in the place of another, and have all of it', async () => {
    const [a, b, c] = [await bench.topic(1), await bench.topic(1), await bench.topic(1)];
    await Promise.all([put(a, 'a1'), put(b, 'b1'), put(c, 'c1')]);
    const sink = await follow(hubOf([{ topic: a }, { topic: b }]));
    await has(sink, 'a1', 'b1');
    await put(a, 'a2');
    await has(sink, 'a2');
    const swapped = await follow(hubOf([{ topic: a }, { topic: c }]), { after: sink.lastCursor });
    await has(swapped, 'c1');
    expect([swapped.ids, swapped.gaps]).toEqual([['c1'], ['recreated']]);
    const added = await follow(hubOf([{ topic: c }, { topic: b }, { topic: a }]), { after: sink.lastCursor });
    await has(added, 'c1');
    expect([added.ids, added.gaps]).toEqual([['c1'], []]);
  }, 60_000);

  it('are a topic of the caller’s tenant alone', async () => {
    const own = (await bench.topic(1)).slice(0, 12);
    await Promise.all(['north', 'south'].map((tenant) => bench.createTopic(`${tenant}.${own}`, 1)));
    await put(`north.${own}`, 'n', { tenantId: 'north' });
    await put(`north.${own}`, 'stray', { tenantId: 'south' });
    await put(`south.${own}`, 's', { tenantId: 'south' });
    const hub = hubOf([{ topic: `{tenant}.${own}` }]);
    const [north, south] = [await follow(hub), await follow(hub, {}, { ...reader(), tenant: 'south' })];
    await Promise.all([has(north, 'n'), has(south, 's')]);
    expect([north.ids, south.ids]).toEqual([['n'], ['s']]);
    await bench.deleteTopic(`south.${own}`);
    await put(`north.${own}`, 'n2');
    await has(north, 'n2');
    expect(north.gaps).toEqual([]);
  }, 60_000);

  it('are taken in as they appear where a pattern fits them, and go without a word', async () => {
    const name = (await bench.topic(1)).slice(2, 12);
    const hub = hubOf([{ pattern: `${name}.*.orders` }]);
    const sink = await follow(hub);
    await bench.createTopic(`${name}.one.orders`, 2);
    for (let n = 0; n < 20; n++) await put(`${name}.one.orders`, `one${n}`);
    await has(sink, 'one19');
    const cursor = sink.lastCursor;
    await bench.createTopic(`${name}.two.orders`, 1);
    await bench.createTopic(`${name}.one.two.orders`, 1);
    await put(`${name}.one.two.orders`, 'no');
    await put(`${name}.two.orders`, 'two');
    await has(sink, 'two');
    const again = await follow(hub, { after: cursor });
    await has(again, 'two');
    expect([new Set(sink.ids).size, sink.gaps, again.gaps]).toEqual([21, [], []]);
    expect(sink.ids.length).toBe(21);
    await bench.deleteTopic(`${name}.two.orders`);
    await put(`${name}.one.orders`, 'on');
    await has(sink, 'on');
    expect([sink.gaps, sink.goodbye]).toEqual([[], undefined]);
  }, 60_000);
});
